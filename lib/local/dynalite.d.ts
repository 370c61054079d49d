/** dynalite 4.0 has no types of its own. This is the part of it that the embedded run uses. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  type Options = {
    /** Folder of the LevelDB store; without it the tables live in memory. */
    path?: string;
    /** Milliseconds that a new table stays in CREATING. Default: 500. */
    createTableMs?: number;
  };
  /** Not listening yet. Closing it closes the store, but only if it is listening. */
  export default function dynalite(options?: Options): Server;
}
