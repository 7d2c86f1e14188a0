/**
 * Policies (`npm run interop -- --images`): one of ours is exported for each engine, and the engine itself lets the image of
 * the right signer run and no other.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import { createRegistryClient, type Repository } from '@sigstack/oci'
import { InteropError } from '../../support/interop-error.ts'
import { registryKinds } from '../../support/registries.ts'
import type { Workshop } from '../../support/workshop.ts'
import type { Session, TrustFiles } from '../client.ts'
import { sigstackWords } from '../clients/sigstack.ts'
import type { MatrixOptions } from '../matrix.ts'
import { writeForeignTrust } from '../trust-material.ts'
import { type Judge, type PolicyEngine, policyEngines, writeToolProgram } from './policy-judges.ts'
import { copySignature, isAccepted, pushImage } from './pushed-images.ts'

type Options = Pick<
  MatrixOptions,
  'endpoints' | 'trust' | 'identity' | 'folder' | 'runIn' | 'token' | 'onProgress'
> & { readonly workshop: Workshop; readonly engines: readonly string[] | undefined }

const attestedType = 'https://example.org/review/v1'

/** One policy, and what each image must come to by it. */
type Case = {
  readonly name: string
  /** Words of `policy init` beside the images. */
  readonly signers: readonly string[]
  /** Words of `policy export` about the trust. */
  readonly trust: readonly string[]
  readonly accepts: readonly (keyof Images)[]
  readonly refuses: readonly (keyof Images)[]
  /** Engines that have no words for it, so that nothing is exported. */
  readonly notFor?: readonly string[]
}

type Images = {
  readonly signed: string
  readonly unsigned: string
  readonly copied: string
  readonly byKey: string
  readonly attested: string
}

/** Tells what was tried, a line each; true when nothing failed. */
export async function runPolicies(options: Options, say: (line: string) => void): Promise<boolean> {
  const folder = path.join(options.folder, 'policies')
  const home = path.join(folder, 'home')
  await mkdir(home, { recursive: true })
  const { endpoints, token, workshop } = options
  const session: Session = { endpoints, token, folder: home, run: options.runIn(home) }
  const registry = await registryKinds[0]?.start(workshop, folder)
  if (registry === undefined) throw new Error('there is a registry')
  try {
    const client = createRegistryClient()
    const repository = client.repository({ registry: registry.host, repository: 'team/app' })
    const images = await makeImages(session, repository, options)
    const cases = await casesOf(session, options, folder)
    const program = await writeToolProgram(folder)
    let isGood = true
    for (const engine of policyEngines.filter(({ name }) => options.engines?.includes(name) ?? true)) {
      const judge = await engine.install(workshop).catch((error: unknown) => {
        if (!(error instanceof InteropError && error.code === 'missing')) throw error
        return error
      })
      if (judge instanceof InteropError) {
        say(`missing policy for ${engine.name}: ${judge.message}`)
        continue
      }
      const service = await engine.startService?.(session, folder)
      try {
        for (const [at, each] of cases.entries()) {
          const name = `${engine.name}-${at}`
          options.onProgress(`${engine.name} judges by a policy: ${each.name}`)
          const more = ['--program', program, ...(service?.words(name) ?? [])]
          const result = await tryCase(session, engine, judge, each, images, path.join(folder, name), more)
          isGood &&= result.failures.length === 0
          const word = result.failures.length > 0 ? 'FAILED ' : result.isRefused ? 'refuses' : 'ok     '
          say(`${word} policy for ${engine.name}: ${each.name}`)
          for (const failure of result.failures) say(`          ${failure}`)
        }
      } finally {
        await service?.stop()
      }
    }
    return isGood
  } finally {
    await registry.stop()
  }
}

async function tryCase(
  session: Session,
  engine: PolicyEngine,
  judge: Judge,
  { signers, trust, accepts, refuses, notFor = [] }: Case,
  images: Images,
  folder: string,
  more: readonly string[],
): Promise<{ readonly failures: readonly string[]; readonly isRefused?: boolean }> {
  await mkdir(folder, { recursive: true })
  const file = path.join(folder, 'policy.yaml')
  const [repository = ''] = images.signed.split('@')
  const pattern = engine.readsWholeNames === true ? repository : repository.replace(/\/[^/]*$/, '/**')
  await tool(session, 'policy', 'init', '--out', file, '--image', pattern, '--signatures', 'both', ...signers)
  // The stack tells which of the logs of its trusted root is of Rekor v1, for engines that read one key.
  const data = path.resolve(session.endpoints.files.trustedRoot ?? '', '../..')
  const words = ['--engine-version', '1.19', '--out', folder, '--data', data, ...more, ...trust]
  const exporting = () => tool(session, 'policy', 'export', '--for', engine.name, ...words, file)
  if (notFor.includes(engine.name)) {
    const failures = (await isAccepted(exporting)) ? ['is exported, though it cannot be said there'] : []
    return { failures, isRefused: true }
  }
  await exporting()
  const failures: string[] = []
  for (const name of accepts)
    await judge(session, folder, images[name]).catch((error: unknown) =>
      failures.push(`does not accept the image ${name}: ${reasonOf(error)}`),
    )
  for (const name of refuses)
    if (await isAccepted(() => judge(session, folder, images[name])))
      failures.push(`accepts the image ${name}`)
  return { failures }
}

async function tool({ run }: Session, ...words: readonly string[]): Promise<void> {
  const [program = '', ...first] = sigstackWords
  await run(program, [...first, ...words], { environment: { COSIGN_PASSWORD: '' } })
}

/** Each is signed in both forms, so that what an engine reads is there. */
async function makeImages(
  session: Session,
  repository: Repository,
  { trust, token }: Options,
): Promise<Images> {
  const at = (digest: string): string => `${repository.name.registry}/${repository.name.repository}@${digest}`
  const [signed, unsigned, copied, byKey, attested] = [
    await pushImage(repository, 'signed'),
    await pushImage(repository, 'unsigned'),
    await pushImage(repository, 'copied'),
    await pushImage(repository, 'by a key'),
    await pushImage(repository, 'attested'),
  ]
  const both = ['--format', 'both']
  const services = ['--trust-config', trust.clientTrustConfig]
  for (const image of [signed, attested])
    await tool(session, 'sign', ...both, ...services, '--identity-token', await token(), at(image))
  const predicate = path.join(session.folder, 'predicate.json')
  await writeFile(predicate, '{"reviewed":true}')
  const what = ['--predicate', predicate, '--type', attestedType]
  await tool(
    session,
    'attest',
    ...both,
    ...services,
    ...what,
    '--identity-token',
    await token(),
    at(attested),
  )
  for (const form of ['bundle', 'legacy'] as const) await copySignature(repository, form, signed, copied)
  for (const name of ['own', 'other'])
    await tool(session, 'generate-key-pair', '--output-key-prefix', path.join(session.folder, name))
  const key = path.join(session.folder, 'own.key')
  await tool(session, 'sign', ...both, '--key', key, '--tlog-upload=false', at(byKey))
  return {
    signed: at(signed),
    unsigned: at(unsigned),
    copied: at(copied),
    byKey: at(byKey),
    attested: at(attested),
  }
}

async function casesOf(
  { folder: home }: Session,
  { trust, identity, endpoints }: Options,
  folder: string,
): Promise<readonly Case[]> {
  const { email, issuer } = identity
  const trusting = (files: TrustFiles, mirror: string): readonly string[] => [
    '--trusted-root',
    files.trustedRoot,
    '--tuf-mirror',
    mirror,
    '--tuf-root',
    `${mirror}/root.json`,
  ]
  const ours = trusting(trust, endpoints.trust.mirror)
  const named = (name: string, by = issuer) => ['--issuer', by, '--identity', name]
  const like = (pattern: string) => ['--issuer', issuer, '--identity-pattern', pattern]
  const refuses = ['signed', 'unsigned', 'copied', 'byKey'] as const
  const nobody = { accepts: [], refuses: ['signed'] } as const
  const key = (name: string) => ['--no-log', '--key', path.join(home, `${name}.pub`)]
  const foreign = await Promise.all(
    (['CA', 'log'] as const).map(async (part): Promise<Case> => {
      const files = await writeForeignTrust(trust, part, path.join(folder, `trust-${part}`))
      const name = `the trust of another stack's ${part}`
      return { name, signers: named(email), trust: trusting(files, files.mirror), ...nobody }
    }),
  )
  return [
    {
      name: 'an identity',
      signers: named(email),
      trust: ours,
      accepts: ['signed'],
      refuses: refuses.slice(1),
    },
    { name: 'another identity', signers: named(`not-${email}`), trust: ours, ...nobody },
    { name: 'an identity that ends like it', signers: named(email.slice(1)), trust: ours, ...nobody },
    { name: 'an identity that begins like it', signers: named(email.slice(0, -1)), trust: ours, ...nobody },
    { name: 'another issuer', signers: named(email, `${issuer}/other`), trust: ours, ...nobody },
    {
      name: 'a pattern for identities',
      signers: like('(?:interop|other)@example\\.org'),
      trust: ours,
      accepts: ['signed'],
      refuses: ['unsigned'],
      notFor: ['containers', 'openshift'],
    },
    {
      name: 'a pattern for a part of it',
      signers: like('example\\.org|interop@'),
      trust: ours,
      ...nobody,
      notFor: ['containers', 'openshift'],
    },
    {
      name: 'an identity, and an attestation by it',
      signers: [...named(email), '--attestation', attestedType],
      trust: ours,
      accepts: ['attested'],
      refuses: ['signed', 'unsigned'],
      notFor: ['containers', 'openshift', 'flux'],
    },
    ...foreign,
    { name: 'a key', signers: key('own'), trust: [], accepts: ['byKey'], refuses: refuses.slice(0, 3) },
    { name: 'another key', signers: key('other'), trust: [], accepts: [], refuses: ['byKey'] },
  ]
}
