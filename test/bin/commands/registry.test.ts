import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { commands } from '../../../bin/commands/registry.ts';

for (const { name, says, load } of commands)
  test(`headgate ${name} says of itself what the list of commands says of it`, async () => {
    const program = new Command();
    (await load())(program);
    assert.deepEqual(
      program.commands.map((command) => [command.name(), command.description()]),
      [[name, says]],
    );
  });
