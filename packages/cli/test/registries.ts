/** Images in a registry of this process, and what is then in it. */
import { createRegistryClient, type Digest, parseReference } from '@sigstack/oci'
import type { Test } from 'tap'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../../oci/test/fake-registry.ts'
import { pushImage } from '../../oci/test/images.ts'

export type ImageRegistry = FakeRegistry & {
  /** An image of its own; its reference by tag and by digest. */
  push(name: string): Promise<{ readonly tag: string; readonly digest: Digest; readonly pinned: string }>
  /** Tags without those that people write. */
  attachedTags(): readonly string[]
  documents(): readonly Record<string, unknown>[]
}

export async function startRegistry(t: Test, options: FakeOptions = {}): Promise<ImageRegistry> {
  const registry = await startFakeRegistry(t, options)
  const client = createRegistryClient()
  return {
    ...registry,
    async push(name) {
      const tag = `${registry.host}/${name}:v1`
      const { digest } = await pushImage(client.repository(parseReference(tag)), name, 'v1')
      return { tag, digest, pinned: `${registry.host}/${name}@${digest}` }
    },
    attachedTags: () => [...registry.tags.keys()].filter((tag) => tag.startsWith('sha256-')),
    documents: () =>
      [...registry.manifests.values()].map(
        ({ bytes }) => JSON.parse(bytes.toString()) as Record<string, unknown>,
      ),
  }
}
