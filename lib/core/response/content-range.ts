/** Which records a response holds of how many, by its `Content-Range`. `to` is included. `of`: undefined where it is not known. */
export type RecordRange = { readonly from: number; readonly to: number; readonly of: number | undefined };

/** Reads `0-99/357` or `items 0-99/*` (RFC 9110 section 14.4); bytes are no records. */
export function readContentRange(header: string | undefined): RecordRange | undefined {
  const [, unit, from, to, of] =
    /^\s*(?:([\w-]+)\s+|)(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)\s*$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || unit === 'bytes' || Number(to) < Number(from)) return undefined;
  return { from: Number(from), to: Number(to), of: of === '*' ? undefined : Number(of) };
}
