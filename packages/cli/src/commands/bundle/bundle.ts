import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { addBundleCreate } from './create.ts'
import { addBundleInspect } from './inspect.ts'
import { addBundleUpgrade } from './upgrade.ts'

export function addBundle(program: Command, io: Io): void {
  const bundle = program
    .command('bundle')
    .summary('make, show and renew bundles')
    .description('Makes a bundle of the parts of an old signature, shows one, or brings one to version 0.3.')
  addBundleCreate(bundle, io)
  addBundleInspect(bundle, io)
  addBundleUpgrade(bundle, io)
}
