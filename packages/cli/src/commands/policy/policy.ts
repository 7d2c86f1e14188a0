import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { addPolicyExport } from './export.ts'
import { addPolicyInit } from './init.ts'
import { addPolicyTest } from './test-images.ts'

export function addPolicy(program: Command, io: Io): void {
  const policy = program
    .command('policy')
    .summary('say which images may run, and have engines enforce it')
    .description(
      'Writes a policy of images, tells what it makes of images, and prints it as the policy of an engine that enforces it.',
    )
  addPolicyInit(policy, io)
  addPolicyTest(policy, io)
  addPolicyExport(policy, io)
}
