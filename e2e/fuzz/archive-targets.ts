/** Files that people carry between networks: archives of images, and policies. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readImagePolicy } from '@sigstack/image-policy'
import { createArchive, digestOf, encodeManifest, mediaTypes, openArchive } from '@sigstack/oci'
import type { Target } from './target.ts'

const policy = `version: 1
name: images
mode: enforce
rules:
  - name: signed
    images: [registry.example/app, 'registry.example/team/*']
    signedBy:
      - { issuer: https://issuer.example, identity: a@example.org }
      - issuer: https://issuer.example
        identityPattern: 'https://ci\\.example/[a-z]+'
      - { issuer: https://issuer.example, sourceRepository: https://git.example/app, refPattern: refs/tags/* }
    attestations: [https://slsa.dev/provenance/v1]
`

export async function archiveTargets(): Promise<readonly Target[]> {
  return [
    {
      name: 'image-archive',
      form: 'bytes',
      seeds: [await withFolder(archive)],
      refusals: ['OciError', 'HttpError'],
      // A header whose sum is wrong is looked at no further, so both the input and what it would be with its sums right are read.
      run: (input) =>
        withFolder(async (folder) => {
          const file = path.join(folder, 'archive.tar')
          await writeFile(file, withSums(input))
          await readWhole(file)
          await writeFile(file, input)
          await readWhole(file)
        }),
    },
    {
      name: 'image-policy',
      form: 'text',
      seeds: [Buffer.from(policy)],
      refusals: ['ImagePolicyError'],
      run: (input) => readImagePolicy(Buffer.from(input).toString('utf8')),
    },
  ]
}

async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-fuzz-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function archive(folder: string): Promise<Buffer> {
  const file = path.join(folder, 'archive.tar')
  const writer = await createArchive(file)
  const config = Buffer.from('{}')
  const descriptor = { mediaType: mediaTypes.ociConfig, size: config.length, digest: digestOf(config) }
  await writer.pushBlob(descriptor, () => config)
  const manifest = encodeManifest({ config: descriptor, layers: [descriptor] })
  const { digest } = await writer.pushManifest(manifest, mediaTypes.ociManifest)
  await writer.finish([{ mediaType: mediaTypes.ociManifest, size: manifest.length, digest }])
  return readFile(file)
}

async function readWhole(file: string): Promise<void> {
  const opened = await openArchive(file)
  try {
    for (const { digest } of opened.entries) {
      const { document } = await opened.readManifest(digest)
      if (document.kind === 'manifest') for (const layer of document.layers) await opened.readBlob(layer)
    }
  } finally {
    await opened.close()
  }
}

/** Of every block that says it is a header. */
function withSums(input: Uint8Array): Buffer {
  const bytes = Buffer.from(input)
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512)
    if (block.toString('latin1', 257, 262) !== 'ustar') continue
    block.fill(' ', 148, 156)
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
  return bytes
}
