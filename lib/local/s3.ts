import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { decodeAwsChunked } from './aws-chunked.ts';
import { compareKeys, isKey, type ObjectFolder } from './object-folder.ts';
import { type Answer, type Backend, type Call, ServiceError } from './service.ts';

type Target = { readonly bucket: string; readonly key: string; readonly query: URLSearchParams };

/** Parameters that AWS and its SDKs add to any call. Every other one asks for something the embedded run does not have. */
const HARMLESS = new Set(['x-id']);
const LIST_PARAMETERS = new Set(['list-type', 'prefix', 'max-keys', 'start-after', 'continuation-token']);
const LARGEST_LIST = 1_000;

/** How S3 names the call that a method and a path mean; the path style only. */
export function s3Operation(method: string, url: string): string {
  const { key, query } = split(url);
  const parameters = [...query.keys()].filter((name) => !HARMLESS.has(name));
  if (key === '' && method === 'GET' && query.get('list-type') === '2') return 'ListObjectsV2';
  const known = key !== '' && parameters.length === 0 ? OBJECT_OPERATIONS.get(method) : undefined;
  return known ?? [method, key === '' ? 'of a bucket' : 'of an object', ...parameters].join(' ');
}

const OBJECT_OPERATIONS = new Map([
  ['PUT', 'PutObject'],
  ['GET', 'GetObject'],
  ['HEAD', 'HeadObject'],
  ['DELETE', 'DeleteObject'],
]);

/**
 * S3 over one bucket in a folder: objects of one PUT, put if absent, plain reads, listing, deleting. Content types and
 * metadata are not kept.
 */
export function s3(bucket: string, folder: ObjectFolder): Backend {
  const operations: Readonly<Record<string, (call: Call, target: Target) => Answer>> = {
    PutObject: (call, { key }) => put(folder, key, call),
    GetObject: (call, { key }) => get(folder, key, call),
    HeadObject: (call, { key }) => get(folder, key, call),
    DeleteObject: (_call, { key }) => {
      folder.remove(key);
      return { status: 204, headers: {}, body: '' };
    },
    ListObjectsV2: (_call, { query }) => list(bucket, folder, query),
  };
  return (call) => {
    try {
      const run = operations[call.operation];
      if (!run) throw notImplemented(call.operation);
      return run(call, target(call.url, bucket));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return failure(error);
    }
  };
}

/** Bucket and key as they stand in the URL. */
function split(url: string): Target {
  const [path = '', search = ''] = url.split('?', 2);
  const [, bucket = '', ...key] = path.split('/');
  return { bucket, key: key.join('/'), query: new URLSearchParams(search) };
}

function target(url: string, bucket: string): Target {
  const encoded = split(url);
  if (encoded.bucket !== bucket) throw new ServiceError('NoSuchBucket', 'The specified bucket does not exist', 404);
  const key = decode(encoded.key);
  if (key === undefined || (key !== '' && !isKey(key))) {
    throw new ServiceError('InvalidArgument', 'The embedded S3 keeps objects as files, and this key cannot be a path.');
  }
  return { ...encoded, key };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function put(folder: ObjectFolder, key: string, call: Call): Answer {
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = call.headers;
  if (ifMatch !== undefined || (ifNoneMatch ?? '*') !== '*') throw notImplemented('this condition');
  if (call.headers['x-amz-copy-source']) throw notImplemented('CopyObject');
  const body = payload(call);
  if (ifNoneMatch === undefined) folder.put(key, body);
  else if (!folder.create(key, body)) {
    throw new ServiceError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
  }
  return { status: 200, headers: { etag: etag(body) }, body: '' };
}

/** The object's bytes, out of the encoding they were sent in, their length and checksum verified. */
function payload(call: Call): Buffer {
  const header = (name: string) => [call.headers[name]].flat()[0];
  const chunked =
    header('x-amz-content-sha256')?.startsWith('STREAMING-') || header('content-encoding')?.includes('aws-chunked');
  const decoded = chunked ? decodeAwsChunked(call.body) : { body: call.body, trailers: {} };
  const length = header('x-amz-decoded-content-length');
  if (!decoded || (length !== undefined && Number(length) !== decoded.body.length)) {
    throw new ServiceError('IncompleteBody', 'The body is not as long as it says.');
  }
  const checksum = header('x-amz-checksum-crc32') ?? decoded.trailers['x-amz-checksum-crc32'];
  if (checksum !== undefined && checksum !== base64Crc32(decoded.body)) {
    throw new ServiceError('BadDigest', 'The CRC32 you specified did not match the calculated checksum.');
  }
  return decoded.body;
}

function base64Crc32(body: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return sum.toString('base64');
}

function get(folder: ObjectFolder, key: string, call: Call): Answer {
  if (call.headers.range) throw notImplemented('Range');
  const body = folder.get(key);
  if (!body) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
  return { status: 200, headers: { etag: etag(body), 'content-length': body.length }, body };
}

const etag = (body: Buffer): string => `"${createHash('md5').update(body).digest('hex')}"`;

/** One page of the listing. Its token is the last key on it. */
function list(bucket: string, folder: ObjectFolder, query: URLSearchParams): Answer {
  for (const name of query.keys()) if (!LIST_PARAMETERS.has(name) && !HARMLESS.has(name)) throw notImplemented(name);
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? query.get('start-after') : Buffer.from(token, 'base64url').toString();
  const most = Math.min(Number(query.get('max-keys') ?? LARGEST_LIST), LARGEST_LIST);
  const rest = folder.list(prefix).filter(({ key }) => after === null || compareKeys(key, after) > 0);
  const page = rest.slice(0, most);
  const last = page.at(-1);
  const truncated = last !== undefined && page.length < rest.length;
  return xml(
    200,
    element('ListBucketResult', [
      element('Name', bucket),
      element('Prefix', escapeXml(prefix)),
      element('MaxKeys', `${most}`),
      element('KeyCount', `${page.length}`),
      element('IsTruncated', `${truncated}`),
      truncated ? element('NextContinuationToken', Buffer.from(last.key).toString('base64url')) : '',
      ...page.map(({ key, size, modified }) =>
        element('Contents', [
          element('Key', escapeXml(key)),
          element('LastModified', modified.toISOString()),
          element('Size', `${size}`),
          element('StorageClass', 'STANDARD'),
        ]),
      ),
    ]),
  );
}

const notImplemented = (what: string) =>
  new ServiceError('NotImplemented', `The embedded S3 does not know ${what}.`, 501);

const failure = ({ status, code, message }: ServiceError): Answer =>
  xml(status, element('Error', [element('Code', code), element('Message', escapeXml(message))]));

const xml = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
});

const element = (name: string, content: string | readonly string[]): string =>
  `<${name}>${typeof content === 'string' ? content : content.join('')}</${name}>`;

const escapeXml = (text: string): string =>
  text.replace(/[&<>"'\p{Cc}]/gu, (character) => `&#${character.codePointAt(0)};`);
