import type { Reason } from '../../core/response/judge.ts';
import {
  type AccountAccess,
  forgetAccount,
  limitersOf,
  type PausedConnection,
  readAccount,
} from '../credentials/account.ts';
import { forConnection, type SyncContext } from '../invocation.ts';
import type { SyncState } from '../store/sync-state.ts';
import type { DispatchContext } from '../tasks/dispatch.ts';

/** An invocation's work on a sync, with its connection, or why that cannot be used. */
export type AccountContext = DispatchContext & { readonly account: AccountAccess | PausedConnection | Reason };

/** What a sync that reads another account is told, in the place of its own. */
export const OTHER_ACCOUNT: Reason = {
  code: 'other-account',
  message: "the connection's parameters changed, so that it is another account than the one that this sync reads",
};

/**
 * Reads a sync's connection, so that what works on the sync's tree need not. A sync reads one account from its first page to its last. Where the
 * connection has become another one, the sync gets a reason in its place.
 */
export async function withAccount(
  context: SyncContext,
  { account: pinned }: Pick<SyncState, 'account'>,
): Promise<AccountContext> {
  const of = forConnection(context, context.ref.connection);
  const known = await readAccount(of);
  // What this worker knows may be a minute old.
  const account = isOther(known, pinned) && forgetAccount(of) ? await readAccount(of) : known;
  const used = isOther(account, pinned) ? OTHER_ACCOUNT : account; // R89
  return { ...context, account: used, limiters: limitersOf(used, context.ref.stream) };
}

const isOther = (account: AccountContext['account'], pinned: string | undefined): boolean =>
  pinned !== undefined && 'identity' in account && account.identity !== pinned;
