import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const canMountDisks = process.platform === 'linux' && process.getuid?.() === 0;

/** A folder that is a disk of its own. It is taken away before any folder is removed. */
export function smallDisk(t: TestContext, kilobytes: number): string {
  const full = mkdtempSync(join(tmpdir(), 'headgate-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', full]);
  t.after(() => {
    execFileSync('umount', [full]);
    rmdirSync(full);
  });
  return full;
}
