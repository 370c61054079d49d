/**
 * The rules of the protocol, and how each is taken out of the code that ships: a piece of its source, and what stands there without the
 * rule. The simulation must find out, or the rule is not needed.
 */
export type Edit = { readonly find: string; readonly replace: string };
/** A test that chance leaves to do: its file, from the root of the repository, and its name. */
export type TestOfRule = { readonly file: string; readonly name: string };
/** `of`: which simulation is to find out; by default that of the whole pipeline. `test`: who finds out instead, as no seed will. */
export type Rule = {
  readonly name: string;
  readonly file: string;
  readonly of?: 'tokens' | 'tree';
  readonly test?: TestOfRule;
} & (Edit | { readonly edits: readonly Edit[] });

export const RULES: readonly Rule[] = [
  {
    name: 'pages leave the open set only if all of them are open',
    file: 'lib/pipeline/listing/conclude-pages.ts',
    find: "pages.map((page) => ({ contains: ['open', page] }))",
    replace: '[]',
  },
  {
    name: 'what is left of a beaten commit is stored again',
    file: 'lib/pipeline/listing/conclude-pages.ts',
    of: 'tree',
    find: 'if (!written.ok) return commitPages(run, written.item, rest);',
    replace: 'if (!written.ok) return { block: written.item, committed: [] };',
  },
  {
    name: 'a part has a key of its own',
    file: 'lib/pipeline/records/store-part.ts',
    of: 'tree',
    find: 'const id = context.random.id();',
    replace: "const id = node + '-' + sorted[0]?.index;",
  },
  {
    name: 'a part counts only if a block holds it',
    file: 'lib/pipeline/tree/read-parts.ts',
    find: "node.parts.has(id.slice(id.indexOf('@') + 1))",
    replace: 'true',
  },
  {
    name: 'a child is there before its parent knows it',
    file: 'lib/pipeline/tree/tree.ts',
    edits: [
      {
        find: '  await createChildren(context, children);\n',
        replace: '',
      },
      {
        find: '  if (!entered.ok || names.size === 0) return entered.item;\n',
        replace:
          '  if (!entered.ok || names.size === 0) return entered.item;\n  await createChildren(context, children);\n',
      },
    ],
  },
  {
    name: 'a parent remembers which children may be unsent',
    file: 'lib/pipeline/tree/tree.ts',
    find: 'add: { open: names, unsent: names }',
    replace: 'add: { open: names }',
  },
  {
    name: 'who heals a node also sends what others open in it meanwhile',
    file: 'lib/pipeline/tree/tree.ts',
    of: 'tree',
    edits: [
      {
        find: '    if (heal && current.unsent.size > 0) {',
        replace: '    if (heal && current.unsent.size > 0 && current === node) {',
      },
    ],
  },
  {
    name: 'a task whose pages are done passes the closing on',
    file: 'lib/pipeline/listing/fetch-pages.ts',
    find: '  const outcomes = await dropRepeatedTail(',
    replace: '  if (tasks.size === 0) return allDone(received);\n  const outcomes = await dropRepeatedTail(',
  },
  {
    name: 'only a committed page tells the extent of a listing',
    file: 'lib/pipeline/listing/conclude-pages.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'a read that came to nothing does not end a listing that has grown since',
    },
    edits: [
      {
        find: '  let after = block;\n  for (const portion',
        replace: '  let after = block;\n  await noteExtent(invocation, run, contents);\n  for (const portion',
      },
      { find: '    await noteExtent(run, committed);\n', replace: '' },
    ],
  },
  {
    name: 'a listing of which nothing comes any more is not read on',
    file: 'lib/pipeline/tree/next-opening.ts',
    test: {
      file: 'test/pipeline/listing/listings.test.ts',
      name: 'a total that nobody counted does not have pages asked for until the deadline',
    },
    find: 'if (isMostlyFailing(node) && !node.stopped)',
    replace: 'if (isMostlyFailing(node) && node.covered < 0)',
  },
  {
    name: 'a chain that stands still is not walked for ever',
    file: 'lib/pipeline/listing/read-next.ts',
    test: {
      file: 'test/pipeline/listing/listings.test.ts',
      name: 'a first page that comes again, where each is committed before the next one is asked for',
    },
    find: 'if (stands) return',
    replace: 'if (stands && content.fetched < 0) return',
  },
  {
    name: 'what kills its workers is set aside',
    file: 'lib/pipeline/listing/page-outcomes.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: pages',
    },
    find: 'if (attemptsExhausted(run, task))',
    replace: 'if (attemptsExhausted(run, task) && run.budget < 0)',
  },
  {
    name: 'what had no outcome is read once more, before anything else can kill its reader',
    file: 'lib/pipeline/work.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: pages',
    },
    find: '  await tryFinalAttempt(invocation, received, outcomes);\n',
    replace: '',
  },
  {
    name: 'of several that had no outcome one is read, and the others are sent on',
    file: 'lib/pipeline/work.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: chains',
    },
    find: '.filter((each) => isFinalAttempt(invocation, each));',
    replace: '.filter((each) => isFinalAttempt(invocation, each)).slice(0, 1);',
  },
  {
    name: 'of what may kill its worker each page has a task of its own',
    file: 'lib/pipeline/listing/fetch-pages.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: pages',
    },
    find: 'if (mustRunIsolated(first) && tasks.size > 1)',
    replace: 'if (mustRunIsolated(first) && tasks.size > 1e9)',
  },
  {
    name: 'what was sent on counts as come back',
    file: 'lib/pipeline/tasks/outcome.ts',
    of: 'tree',
    find: 'received.receives > 1 || isFinalAttempt(invocation, received)',
    replace: 'received.receives > 1',
  },
  {
    name: 'the attempts at a page of a chain begin anew when the chain has moved',
    file: 'lib/pipeline/listing/walk-chain.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'a chain that has moved has all attempts at the page where it stands',
    },
    find: '  if (isBehind && mustRunIsolated(received)) return continueLater(walk, claimed.item);\n',
    replace: '',
  },
  {
    name: 'a chain’s part is put if absent under its step',
    file: 'lib/pipeline/listing/move-chain.ts',
    find: 'walk.ref, stepId(walk, step))',
    replace: "walk.ref, stepId(walk, step) + '@' + walk.owner)",
  },
  {
    name: 'a chain moves only from the step that was seen',
    file: 'lib/pipeline/listing/move-chain.ts',
    of: 'tree',
    find: "    [{ equal: ['step', chain.step] }, { absent: 'ended' }],\n  );\n  if (written",
    replace: '    [],\n  );\n  if (written',
  },
  {
    name: 'a message that came back goes on from where the chain stands',
    file: 'lib/pipeline/listing/walk-chain.ts',
    of: 'tree',
    find: 'if (!wasRedelivered(context, received) && task.step',
    replace: 'if (task.step',
  },
  {
    name: 'a message that came back waits for the lease',
    file: 'lib/pipeline/listing/walk-chain.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'a message that comes back before the lease of a dead worker is over waits for it',
    },
    find: 'if (!wasRedelivered(walk, walk.received)) return',
    replace: 'if (walk.received.receives > 0) return',
  },
  {
    name: 'a lease keeps two from walking one chain',
    file: 'lib/pipeline/listing/walk-chain.ts',
    find: "{ either: [{ absent: 'lease' }, { less: ['lease', now] }] }",
    replace: '',
  },
  {
    name: 'evidence and message before a page fails',
    file: 'lib/pipeline/listing/conclude-pages.ts',
    find: '    await setPageAside(run, task.task, { page, refusal, attempts: attemptOf(task) });\n    const failed = await failPage(run, page);',
    replace:
      '    const failed = await failPage(run, page);\n    await setPageAside(run, task.task, { page, refusal, attempts: attemptOf(task) });',
  },
  {
    name: 'housekeeping sends again what is open',
    file: 'lib/pipeline/sync/housekeep.ts',
    find: '  await resendOpenWork(context, nodes);\n}',
    replace: '}',
  },
  {
    name: 'housekeeping gives up what stays silent',
    file: 'lib/pipeline/sync/housekeep.ts',
    find: 'if (rounds > ROUNDS',
    replace: 'if (rounds > 1e9',
  },
  {
    name: 'who finds a stream taken by a start that died goes on with it',
    file: 'lib/pipeline/sync/start-sync.ts',
    find: 'if (stream.current !== ref.sync) return',
    replace: 'if (!claimed.ok) return',
  },
  {
    name: 'housekeeping finishes a start whose message was lost',
    file: 'lib/pipeline/sync/housekeep.ts',
    test: {
      file: 'test/pipeline/sync/ticks.test.ts',
      name: 'a start that dies half-way, and whose message is dead-lettered, is finished by housekeeping',
    },
    find: 'if (sk === STREAM_SORT_KEY) await finishStart(invocation, place);',
    replace: 'if (sk === STREAM_SORT_KEY) continue;',
  },
  {
    name: 'a tick starts one sync, however often it comes',
    file: 'lib/pipeline/sync/start-sync.ts',
    find: ", { either: [{ absent: 'lastTick' }, { less: ['lastTick', task.at] }] }],",
    replace: '],',
  },
  {
    name: 'one sync of a stream at a time',
    file: 'lib/pipeline/sync/start-sync.ts',
    find: "[{ absent: 'current' }, ",
    replace: '[',
  },
  {
    name: 'only its own close frees a stream',
    file: 'lib/pipeline/sync/close-sync.ts',
    test: {
      file: 'test/pipeline/sync/stood-still.test.ts',
      name: 'before it frees its stream: the next sync has it',
    },
    find: "    [{ equal: ['current', ref.sync] }],\n",
    replace: '    [],\n',
  },
  {
    name: 'the watermark never passes the first answer',
    file: 'lib/pipeline/sync/close-sync.ts',
    find: 'Math.min(highest, firstAnswered ?? highest)',
    replace: 'highest',
  },
  {
    name: 'numbered pages are read until one is short',
    file: 'lib/core/listing/listing.ts',
    test: {
      file: 'test/core/listing/listing.test.ts',
      name: 'by offsets goes on behind its announced pages until a page is short',
    },
    find: '  if (end === undefined) return false;\n',
    replace: '  if (announced !== undefined) return true;\n  if (end === undefined) return false;\n',
  },
  {
    name: 'who closes and came back sends what is read again',
    file: 'lib/pipeline/sync/close-sync.ts',
    find: 'if (receives > 1 && sync.repairs > 0) await',
    replace: 'if (receives > 1e9) await',
  },
  {
    name: 'the edges of neighbouring pages must agree',
    file: 'lib/core/listing/edges.ts',
    find: 'return first === from.last ?',
    replace: 'return records > 0 ?',
  },
  {
    name: 'whoever closes an earlier phase ends no later one',
    file: 'lib/pipeline/sync/close-sync.ts',
    test: {
      file: 'test/pipeline/sync/stood-still.test.ts',
      name: 'before it closes a phase: a later one goes on',
    },
    find: "set: { status: 'closed' }, remove: ['live'] }, [inPhase(sync.phase)]);",
    replace: "set: { status: 'closed' }, remove: ['live'] });",
  },
  {
    name: 'of a page that was read in several phases the last one counts',
    file: 'lib/pipeline/tree/read-tree.ts',
    of: 'tree',
    find: 'failed: wanted.filter(({ node, page }) => last.get(page) === phaseOf(node)),',
    replace: 'failed: [...wanted],',
  },
  {
    name: 'the root of a phase is there before its sync knows it',
    file: 'lib/pipeline/sync/redrive.ts',
    of: 'tree',
    edits: [
      { find: '  await createNode(atNode(context, rootPath(phase)), root);\n', replace: '' },
      {
        find: '  await beginSync(context);\n}',
        replace: '  await createNode(atNode(context, rootPath(phase)), root);\n  await beginSync(context);\n}',
      },
    ],
  },
  {
    name: 'what is sent back while its sync is open waits for the close',
    file: 'lib/pipeline/sync/redrive.ts',
    of: 'tree',
    find: "if (sync.status !== 'closed') return { later: LONGEST_BACKOFF };",
    replace: "if (sync.status !== 'closed') return 'done';",
  },
  {
    name: 'the watermark only rises',
    file: 'lib/pipeline/sync/close-sync.ts',
    test: {
      file: 'test/pipeline/sync/stood-still.test.ts',
      name: 'before it commits its watermark: that of a later sync stands',
    },
    find: "[rises('watermark', after)]",
    replace: '[]',
  },
  {
    name: 'who finds a phase begun by somebody who died goes on with it',
    file: 'lib/pipeline/sync/redrive.ts',
    of: 'tree',
    find: "if (receives > 1 && sync.status === 'open') await beginSync(context);",
    replace: '',
  },
  {
    name: 'the event comes before the sync is closed',
    file: 'lib/pipeline/sync/close-sync.ts',
    find: "  await events.publish('Sync closed', announcement(stored));\n  await syncs.update(key, { set: { status: 'closed' }, remove: ['live'] }, [inPhase(sync.phase)]);",
    replace:
      "  await syncs.update(key, { set: { status: 'closed' }, remove: ['live'] }, [inPhase(sync.phase)]);\n  await events.publish('Sync closed', announcement(stored));",
  },
  {
    name: 'who finds a sync superseded by somebody who died asks for its close',
    file: 'lib/pipeline/work.ts',
    test: {
      file: 'test/pipeline/sync/supersede.test.ts',
      name: 'who finds a sync superseded and dies is followed by his message, which asks for the close',
    },
    find: "sync?.status === 'closing' &&",
    replace: 'sync !== undefined && sync.phase < 0 &&',
  },
  {
    name: 'what was found superseded stays so when the deployment is rolled back',
    file: 'lib/pipeline/sync/housekeep.ts',
    test: {
      file: 'test/pipeline/sync/supersede.test.ts',
      name: 'what was superseded is closed by housekeeping even if no message is left and the deployment is rolled back',
    },
    find: 'sync.superseded ?? whySuperseded(',
    replace: 'whySuperseded(',
  },
  {
    name: 'what was begun by another revision is superseded',
    file: 'lib/pipeline/sync/supersede.ts',
    find: 'if (sync.declared === connector.revision || sync.phase > 0) return undefined;',
    replace: 'if (sync.declared > 0) return undefined;',
  },
  {
    name: 'another sync begins in the place of a superseded one',
    file: 'lib/pipeline/sync/close-sync.ts',
    find: '  await startReplacement(context);\n',
    replace: '',
  },
  {
    name: 'the stream is free before another begins in the place of a superseded sync',
    file: 'lib/pipeline/sync/close-sync.ts',
    test: {
      file: 'test/pipeline/sync/supersede.test.ts',
      name: 'who closes a superseded sync may stand still: the one that begins in its place finds the stream free',
    },
    find: '  await freeStream(context);\n  await startReplacement(context);\n',
    replace: '  await startReplacement(context);\n  await freeStream(context);\n',
  },
  {
    name: 'parents are looked for in parts that count',
    file: 'lib/pipeline/tree/next-parents.ts',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'parents that only a read that came to nothing found have no children',
    },
    find: ' || !(await counts(context, id, part))',
    replace: '',
  },
  {
    name: 'children of a parent that is listed again are not',
    file: 'lib/pipeline/tree/next-parents.ts',
    of: 'tree',
    find: 'if (isNew) batch.push',
    replace: 'batch.push',
  },
  {
    name: 'children are opened when all parents are known',
    file: 'lib/pipeline/tree/next-opening.ts',
    find: '  if (group.open.has(sliceChild(0))) return undefined;\n',
    replace: '',
  },
  {
    name: 'a group is done when all its slices were opened',
    file: 'lib/pipeline/tree/tree.ts',
    of: 'tree',
    find: 'return node.stopped || isExhausted(node);',
    replace: 'return true;',
  },
  {
    name: 'a group remembers how far its parents were opened',
    file: 'lib/pipeline/tree/next-opening.ts',
    find: 'set: { after, line, exhausted } };',
    replace: 'set: { exhausted, line: after === "" ? line : 0 } };',
  },
  {
    name: 'who opens children does so only from where the node stood',
    file: 'lib/pipeline/tree/tree.ts',
    of: 'tree',
    find: "    same('opener', node.opener),\n",
    replace: '',
  },
  {
    name: 'nobody opens children of a listing that has ended meanwhile',
    file: 'lib/pipeline/tree/tree.ts',
    of: 'tree',
    find: "    ...(node.kind === 'listing' ? [same('end', node.end)] : []),\n",
    replace: '',
  },
  {
    name: 'who finds others listed in its place passes on to them',
    file: 'lib/pipeline/listing/fetch-pages.ts',
    find: '    await advanceNode(atNode(context, up.parent), listing, true);\n    return allDone(received);',
    replace: '    return allDone(received);',
  },
  {
    name: 'who finds a chain replaced passes on to what replaced it',
    file: 'lib/pipeline/listing/walk-chain.ts',
    of: 'tree',
    find: "  if (seen?.kind === 'group') await advanceNode(context, seen, true);\n",
    replace: '',
  },
  {
    name: 'a listing that has ended is not replaced',
    file: 'lib/pipeline/tree/replace-listing.ts',
    of: 'tree',
    find: ", { contains: ['open', block] } as const];",
    replace: '];',
  },
  {
    name: 'a slice of the least width is walked by key',
    file: 'lib/core/listing/slice.ts',
    of: 'tree',
    find: 'return slices.byKey === undefined ? undefined : { width',
    replace: 'return slices.byKey !== undefined ? undefined : { width',
  },
  {
    name: 'a chain whose cursor expired begins again as a whole',
    file: 'lib/pipeline/listing/read-next.ts',
    of: 'tree',
    find: 'if (index > 0 && refusal.expired) return expired(listed, chain, refusal);',
    replace: '',
  },
  {
    name: 'a chain begins again so often and no more',
    file: 'lib/pipeline/tree/replace-listing.ts',
    find: 'return restarts < MOST_RESTARTS ?',
    replace: 'return restarts < 1e9 ?',
  },
  {
    name: 'who has a setup put first has the one that counts',
    file: 'lib/pipeline/requests/setup.ts',
    find: 'readJson(kept.parse(put.item).value)',
    replace: 'JSON.parse(read.value)',
  },
  {
    name: 'a page that fails keeps the end of its listing from being looked for',
    file: 'lib/pipeline/tree/tree.ts',
    of: 'tree',
    find: '...(broken ? { set: { broken: true } } : {}),',
    replace: '',
  },
  {
    name: 'of pages that were to show the end, and failed, the last phase’s count',
    file: 'lib/pipeline/tree/read-tree.ts',
    of: 'tree',
    find: 'const wanted = fails.filter(({ node }) => !isTail(node) || phaseOf(node) === lookedFor);',
    replace: 'const wanted = fails.filter(({ node }) => !isTail(node) || lookedFor >= 0);',
  },
  {
    name: 'a page with the last record is refused because it lies too far',
    file: 'lib/pipeline/listing/page-outcomes.ts',
    of: 'tree',
    find: 'index > end && index !== tooFar &&',
    replace: 'index > end && tooFar !== -1 &&',
  },
  {
    name: 'a meter changes only from what was read',
    file: 'lib/pipeline/limits/limiter-store.ts',
    find: "[from.version === 0 ? { absent: 'version' } : { equal: ['version', from.version] }],",
    replace: '[],',
  },
  {
    name: 'who is late for a slot reserves again',
    file: 'lib/pipeline/limits/slots.ts',
    test: {
      file: 'test/pipeline/limits/slots.test.ts',
      name: 'whose time has passed is reserved again',
    },
    find: 'now - slot <= toleranceOf(gate.places)',
    replace: 'true',
  },
  {
    name: 'the spacing of departures has a margin',
    file: 'lib/core/limits/limits.ts',
    find: 'Math.floor((length * MICRO + guard) / (usable',
    replace: 'Math.floor((length * MICRO) / (usable',
  },
  {
    name: 'every limit is charged with the time of the departure',
    file: 'lib/core/limits/limiter.ts',
    find: 'Math.max(arrival(limit, meter), at) + limit.cost * limit.interval;',
    replace: 'arrival(limit, meter) + limit.cost * limit.interval;',
  },
  {
    name: 'nothing leaves near the ends of a fixed window',
    file: 'lib/core/limits/limiter.ts',
    test: {
      file: 'test/core/limits/limiter.test.ts',
      name: 'lets nothing leave close to its ends, where clocks may not agree which window it is',
    },
    edits: [
      { find: 'const from = Math.max(at, start + guard);', replace: 'const from = Math.max(at, start);' },
      {
        find: 'from > start + length - guard ? start + length + guard',
        replace: 'from > start + length ? start + length',
      },
    ],
  },
  {
    name: 'after a hold nothing bursts',
    file: 'lib/core/limits/limiter.ts',
    find: 'Math.max(times[key] ?? 0, heldUntil * MICRO + (burst - cost) * interval);',
    replace: 'times[key] ?? 0 * (heldUntil + cost + burst + interval);',
  },
  {
    name: 'a hold that another worker put is heeded',
    file: 'lib/pipeline/limits/slots.ts',
    find: 'if (!held && now',
    replace: 'if (now',
  },
  {
    name: 'one incident is one hold',
    file: 'lib/core/limits/limiter.ts',
    find: '  if (leftAt < meter.heldUntil) return undefined;\n',
    replace: '',
  },
  {
    name: 'to be refused is no attempt',
    file: 'lib/pipeline/limits/feedback.ts',
    test: {
      file: 'test/pipeline/limits/rate.test.ts',
      name: 'is left alone by every worker until the time it advised, and loses no page',
    },
    find: 'return { wait: Math.max(0, heldUntil - clock.now()) };',
    replace: 'return undefined;',
  },
  {
    name: 'while an API is down its silence is no attempt',
    file: 'lib/pipeline/limits/feedback.ts',
    find: 'return excuses ?',
    replace: 'return !excuses ?',
  },
  {
    name: 'what waits for longer than a message can is parked',
    file: 'lib/pipeline/tasks/postpone.ts',
    test: {
      file: 'test/pipeline/limits/rate.test.ts',
      name: 'Retry-After: 3600 holds no worker for more than seconds, and no message goes round',
    },
    find: 'if (paced.least > LONGEST_DELAY + MOMENT) return park',
    replace: 'if (paced.least < 0) return park',
  },
  {
    name: 'housekeeping wakes what is parked',
    file: 'lib/pipeline/sync/housekeep.ts',
    find: 'return unpark(context, sync.parkedUntil, nodes);',
    replace: 'return;',
  },
  {
    name: 'a lease keeps two from refreshing one token',
    of: 'tokens',
    file: 'lib/pipeline/credentials/refresh-token.ts',
    find: '[sameVersion(state), free]',
    replace: '[sameVersion(state)]',
  },
  {
    name: 'a lease is longer than the request it protects',
    of: 'tokens',
    file: 'lib/core/auth/token.ts',
    find: 'export const REFRESH_LEASE = 75 * SECOND;',
    replace: 'export const REFRESH_LEASE = 10 * SECOND;',
  },
  {
    name: 'only the version that was read is refreshed',
    of: 'tokens',
    file: 'lib/pipeline/credentials/refresh-token.ts',
    find: '[sameVersion(state), free]',
    replace: '[free]',
  },
  {
    name: 'a token is stored only over the version it was asked for with',
    of: 'tokens',
    file: 'lib/pipeline/credentials/refresh-token.ts',
    find: 'change, [sameVersion(state)])).item;',
    replace: 'change, [])).item;',
  },
  {
    name: 'after a refresh in doubt the old token is used up first',
    of: 'tokens',
    file: 'lib/core/auth/token.ts',
    find: 'return due && !isRefreshInDoubt(state) ?',
    replace: 'return due ?',
  },
  {
    name: 'a refresh is begun only if its answer can be waited for',
    of: 'tokens',
    file: 'lib/pipeline/credentials/refresh-token.ts',
    find: 'if (refresh !== undefined && context.remaining() < TOKEN_DEADLINE + STORE_MARGIN)',
    replace: 'if (refresh !== undefined && context.remaining() < 0)',
  },
  {
    name: 'a token that was fetched is stored, however often the table refuses',
    of: 'tokens',
    file: 'lib/pipeline/credentials/refresh-token.ts',
    find: 'if (remaining() < wait + STORE_MARGIN) throw error;',
    replace: 'throw error;',
  },
  {
    name: 'a token is not sent when its time is over',
    of: 'tokens',
    file: 'lib/core/auth/token.ts',
    find: ' &&\n  (state.validUntil ?? Number.POSITIVE_INFINITY) > now',
    replace: '',
  },
  {
    name: 'what the token endpoint refused is not asked again at once',
    of: 'tokens',
    file: 'lib/pipeline/credentials/refresh-token.ts',
    find: 'if (known > 0) return { reason: REFUSED, later: known };',
    replace: '',
  },
  {
    name: 'what was paused resumes when its consent is another one',
    of: 'tokens',
    file: 'lib/pipeline/credentials/keep-authorised.ts',
    find: 'return resumeConnection(context, cause);',
    replace: 'return false;',
  },
];
