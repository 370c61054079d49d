import type { Http, TransportFailure, WireReply, WireRequest } from '../../lib/pipeline/ports.ts';

export type MemoryHttp = Http & {
  /** Every request, in the order in which they left. */ readonly requests: readonly WireRequest[];
};

/** An API that is a function. Its replies are held to the bound; its time takes as long as its promise. */
export function scriptedHttp(
  answer: (request: WireRequest) => WireReply | TransportFailure | Promise<WireReply | TransportFailure>,
): MemoryHttp {
  const requests: WireRequest[] = [];
  return {
    requests,
    async send(request, { bound }) {
      requests.push(request);
      const reply = await answer(request);
      if ('failed' in reply || reply.body.length <= bound) return reply;
      return { failed: 'too-large', message: `The body is larger than ${bound} bytes.` };
    },
  };
}
