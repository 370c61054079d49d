import type { Connector, Span, Stream } from '../core/connector/connector.ts';

/** How much less is asked of a connector, so that a few records make many pages and few slices. */
export type Scale = {
  /** The most records that a page has. Default: as declared. */
  readonly size?: number;
  /** The most parents that one request names. Default: as declared. */
  readonly together?: number;
  /** Where the first window of a stream begins (ISO 8601), and how wide its slices are at most, by its name. Default: as declared. */
  readonly starts?: Readonly<Record<string, string>>;
  readonly widths?: Readonly<Record<string, Span>>;
};

/** The same connector on this scale. */
export const scaled = (connector: Connector, scale: Scale): Connector => ({
  ...connector,
  streams: Object.fromEntries(
    Object.entries(connector.streams).map(([name, stream]) => [
      name,
      scaledStream(stream, scale, { start: scale.starts?.[name], width: scale.widths?.[name] }),
    ]),
  ),
});

/** The same connector with this stream and its ancestors alone. */
export function alone(connector: Connector, name: string): Connector {
  const names = [name, ...ancestorsOf(connector, name)];
  const streams = Object.entries(connector.streams).filter(([each]) => names.includes(each));
  return { ...connector, streams: Object.fromEntries(streams) };
}

/** The names of a stream's parent, of that one's parent, and so on. */
export function ancestorsOf({ streams }: Pick<Connector, 'streams'>, name: string): readonly string[] {
  const of = streams[name]?.each?.of;
  return of === undefined ? [] : [of, ...ancestorsOf({ streams }, of)];
}

type Windows = { readonly start: string | undefined; readonly width: Span | undefined };

function scaledStream(stream: Stream, { size, together }: Scale, { start, width }: Windows): Stream {
  const { paging, since, each, slices } = stream;
  return {
    ...stream,
    paging: sized(paging, size),
    ...(since !== undefined && 'field' in since && start !== undefined && { since: { ...since, start } }),
    ...(slices !== undefined && width !== undefined && { slices: { ...slices, width } }),
    ...(each?.together !== undefined &&
      together !== undefined && { each: { ...each, together: Math.min(each.together, together) } }),
  };
}

/** A job that is played is ready when it is asked for again. */
function sized(paging: Stream['paging'], size: number | undefined): Stream['paging'] {
  if (paging.kind === 'job') return { ...paging, every: '1 second' };
  return size === undefined || !('size' in paging) ? paging : { ...paging, size: Math.min(paging.size, size) };
}
