import { gunzipSync, gzipSync } from 'node:zlib';
import type { Gunzip, Gzip } from '../../lib/pipeline/ports.ts';

/** Done within the turn in which it is asked for, and stored without being compressed: tests wait for neither. */
export const storedGzip: Gzip = async (text) => gzipSync(text, { level: 0 });

export const storedText: Gunzip = async (body) => gunzipSync(body).toString();
