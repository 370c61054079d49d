/** The version of this package, as package.json has it: what is built has no package.json at the same place. */
export const VERSION = '0.1.0';
