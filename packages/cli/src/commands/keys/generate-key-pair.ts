import { encodePublicKeyPem, generateSigningKey, type PublicKey } from '@sigstack/crypto'
import { createKeySecret, createPluginKey, parseKeyReference, sealPrivateKey } from '@sigstack/signing/keys'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { keyContext } from '../../key-context.ts'
import { askNewPassword } from '../../questions.ts'
import { pemOf, writeKeyPair, writePublicKey } from './write-key-pair.ts'

type Options = { readonly kms?: string; readonly outputKeyPrefix: string }

export function addGenerateKeyPair(program: Command, io: Io): void {
  program
    .command('generate-key-pair')
    .summary('make a pair of keys to sign with')
    .description(
      'Makes a P-256 key. It lies in PREFIX.key under a password (COSIGN_PASSWORD, else asked for), and its public half in PREFIX.pub; or both in a secret of a Kubernetes cluster.',
    )
    .argument('[place]', 'k8s://namespace/name of a new secret, in place of files')
    .option('--kms <reference>', 'make it in a key service that has a plug-in sigstore-kms-NAME')
    .option('--output-key-prefix <prefix>', 'what the names of both files begin with', 'cosign')
    .action((place: string | undefined, options: Options) => generateKeyPair(io, place, options))
}

export async function generateKeyPair(io: Io, place: string | undefined, options: Options): Promise<void> {
  const publicPath = `${options.outputKeyPrefix}.pub`
  if (options.kms !== undefined)
    return writePublicKey(io, publicPath, encodePublicKeyPem(await inService(io, options.kms)))
  if (place !== undefined) return inCluster(io, place)
  await writeKeyPair(io, generateSigningKey(), options.outputKeyPrefix, { yes: false, inputs: [] })
}

async function inService(io: Io, reference: string): Promise<PublicKey> {
  const parsed = parseKeyReference(reference)
  if (parsed.kind === 'plug-in') return createPluginKey(parsed, io.environment)
  throw new CliError('bad_usage', `${reference} is no key that this tool can make`, {
    advice: "Make it with the service's own tool, and name it with --key.",
  })
}

/** Its public half is written beside, for those who have no access to the cluster. */
async function inCluster(io: Io, place: string): Promise<void> {
  if (!place.includes('://'))
    throw new CliError('bad_usage', 'could not parse scheme, use <scheme>://<ref> format')
  const parsed = parseKeyReference(place)
  if (parsed.kind !== 'kubernetes')
    throw new CliError('bad_usage', `undefined provider: ${place.split(':')[0]}`)
  const key = generateSigningKey()
  const password = await askNewPassword(io)
  const publicKey = pemOf(key)
  const secret = { privateKey: await sealPrivateKey(key, password), publicKey, password }
  await createKeySecret(parsed, secret, keyContext(io))
  io.err(`Successfully created secret ${parsed.name} in namespace ${parsed.namespace}\n`)
  await writePublicKey(io, 'cosign.pub', publicKey)
}
