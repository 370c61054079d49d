import type { Reason } from '../../core/response/judge.ts';
import { type AccountAccess, limitersOf, type PausedConnection, readAccount } from '../credentials/account.ts';
import { forConnection, type SyncContext } from '../invocation.ts';
import type { DispatchContext } from '../tasks/dispatch.ts';

/** An invocation's work on a sync, with its connection, or why that cannot be used. */
export type AccountContext = DispatchContext & { readonly account: AccountAccess | PausedConnection | Reason };

/** Reads a sync's connection, so that what works on the sync's tree need not. */
export async function withAccount(context: SyncContext): Promise<AccountContext> {
  const account = await readAccount(forConnection(context, context.ref.connection));
  return { ...context, account, limiters: limitersOf(account, context.ref.stream) };
}
