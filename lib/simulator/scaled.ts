import type { Connector, Stream } from '../core/connector.ts';

/** How much less is asked of a connector, so that a few records make many pages and few slices. */
export type Scale = {
  /** The most records that a page has. Default: as declared. */
  readonly size?: number;
  /** The most parents that one request names. Default: as declared. */
  readonly together?: number;
  /** Where the first window of a stream begins, by its name: ISO 8601. Default: as declared. */
  readonly starts?: Readonly<Record<string, string>>;
};

/** The same connector on this scale. */
export const scaled = (connector: Connector, scale: Scale): Connector => ({
  ...connector,
  streams: Object.fromEntries(
    Object.entries(connector.streams).map(([name, stream]) => [
      name,
      scaledStream(stream, scale, scale.starts?.[name]),
    ]),
  ),
});

/** The same connector with this stream and its forebears alone. */
export function alone(connector: Connector, name: string): Connector {
  const names = [name, ...forebearsOf(connector, name)];
  const streams = Object.entries(connector.streams).filter(([each]) => names.includes(each));
  return { ...connector, streams: Object.fromEntries(streams) };
}

/** The names of a stream's parent, of that one's parent, and so on. */
export function forebearsOf({ streams }: Pick<Connector, 'streams'>, name: string): readonly string[] {
  const of = streams[name]?.each?.of;
  return of === undefined ? [] : [of, ...forebearsOf({ streams }, of)];
}

function scaledStream(stream: Stream, { size, together }: Scale, start: string | undefined): Stream {
  const { paging, since, each } = stream;
  return {
    ...stream,
    paging: sized(paging, size),
    ...(since !== undefined && start !== undefined && { since: { ...since, start } }),
    ...(each?.together !== undefined &&
      together !== undefined && { each: { ...each, together: Math.min(each.together, together) } }),
  };
}

const sized = <P extends Stream['paging']>(paging: P, size: number | undefined): P =>
  size === undefined || !('size' in paging) ? paging : { ...paging, size: Math.min(paging.size, size) };
