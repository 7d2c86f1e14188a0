/** Registries that we did not write, each as a process of this machine on a free port, empty. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCode, reasonOf } from '@sigstack/crypto'
import { type RegistryProcess, startDistribution, startRegistryProcess } from '@sigstack/oci/testing'
import { InteropError } from './interop-error.ts'
import type { Workshop } from './workshop.ts'

export type RegistryKind = {
  readonly name: string
  /** Whether it lists referrers itself; else they are listed under a tag. */
  readonly hasReferrersApi: boolean
  /** Whether it refuses a manifest whose blobs are not there yet. */
  readonly checksBlobs: boolean
  /** What it keeps goes below `folder`. Throws an {@link InteropError} with code `missing`. */
  start(workshop: Workshop, folder: string): Promise<RegistryProcess>
}

const source = fileURLToPath(new URL('../interop/programs/registry/main.go', import.meta.url))

export const registryKinds: readonly RegistryKind[] = [
  inMemory('go-containerregistry with referrers', true),
  inMemory('go-containerregistry without referrers', false),
  {
    name: 'docker-registry 2.8 (Debian)',
    hasReferrersApi: false,
    checksBlobs: true,
    start: async (_workshop, folder) => start(startDistribution('docker-registry', folder)),
  },
  {
    name: 'distribution 3.1',
    hasReferrersApi: false,
    checksBlobs: true,
    start: async ({ goInstall, versionOf }, folder) => {
      const module = 'github.com/distribution/distribution/v3/cmd/registry'
      const name = 'distribution'
      const program = await goInstall({ name, module, version: versionOf(name, 'v3.1.2') })
      return start(startDistribution(program, folder))
    },
  },
]

function inMemory(name: string, hasReferrersApi: boolean): RegistryKind {
  return {
    name,
    hasReferrersApi,
    checksBlobs: false,
    start: async ({ goBuild, versionOf }) => {
      const programs = await goBuild({
        name: 'go-registry',
        module: 'github.com/google/go-containerregistry',
        version: versionOf('go-registry', 'v0.21.7'),
        sources: [source],
        isLibrary: true,
      })
      const program = path.join(programs, 'registry')
      return start(startRegistryProcess(program, hasReferrersApi ? ['-referrers'] : []))
    },
  }
}

async function start(starting: Promise<RegistryProcess>): Promise<RegistryProcess> {
  try {
    return await starting
  } catch (cause) {
    throw new InteropError(errorCode(cause) === 'ENOENT' ? 'missing' : 'failed', reasonOf(cause), { cause })
  }
}
