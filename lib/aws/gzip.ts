import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { Gunzip, Gzip } from '../pipeline/ports.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

export const plainText: Gunzip = async (body) => (await decompress(body)).toString();

/** At its quickest level: three times as quick as by default, for a tenth more bytes. */
export const quickGzip: Gzip = (text) => compress(text, { level: constants.Z_BEST_SPEED });
