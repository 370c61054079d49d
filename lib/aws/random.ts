import { randomInt } from 'node:crypto';
import type { Random } from '../pipeline/ports.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 119 bits: among a million million ids the chance that two agree is one in a million million. Short, as sets of ids are paid by size. */
const ID_LENGTH = 20;

export const systemRandom: Random = {
  number: Math.random,
  id: () => Array.from({ length: ID_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join(''),
};
