import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Gzip } from '../pipeline/ports.ts';

const compress = promisify(gzip);

/** At its quickest level: three times as quick as by default, for a tenth more bytes. */
export const quickGzip: Gzip = (text) => compress(text, { level: constants.Z_BEST_SPEED });
