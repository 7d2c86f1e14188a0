/** The published trust as files, and a copy that believes in another log's key. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Endpoints } from '@sigstack/stack'
import type { TrustFiles } from './client.ts'

export function publishedTrust({ files }: Endpoints): TrustFiles {
  const file = (name: string): string => {
    const value = files[name]
    if (value === undefined) throw new Error(`endpoints.json names no file ${name}`)
    return value
  }
  return {
    trustedRoot: file('trustedRoot'),
    signingConfig: file('signingConfig'),
    clientTrustConfig: file('clientTrustConfig'),
    rekorKey: file('rekorKey'),
    ctKey: file('ctKey'),
    caCertificates: file('caCertificates'),
  }
}

type TrustedRoot = { readonly tlogs: readonly { readonly publicKey: object }[] }

/**
 * The trust of a stack whose log has another key. The log ID stays, so that a client finds the key and has to check a signature with it:
 * one that only looks the log up would not notice.
 */
export async function writeForeignTrust(trust: TrustFiles, folder: string): Promise<TrustFiles> {
  await mkdir(folder, { recursive: true })
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rawBytes = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const withForeignKey = <T extends TrustedRoot>(root: T) => ({
    ...root,
    tlogs: root.tlogs.map((log) => ({ ...log, publicKey: { ...log.publicKey, rawBytes } })),
  })
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name)
    await writeFile(file, text)
    return file
  }
  const root = withForeignKey((await read(trust.trustedRoot)) as TrustedRoot)
  const config = (await read(trust.clientTrustConfig)) as { readonly trustedRoot: TrustedRoot }
  return {
    ...trust,
    trustedRoot: await write('trusted_root.json', JSON.stringify(root)),
    clientTrustConfig: await write(
      'trust_config.json',
      JSON.stringify({ ...config, trustedRoot: withForeignKey(config.trustedRoot) }),
    ),
    rekorKey: await write('rekor.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  }
}
