/** The engines that enforce policies, each asked whether it lets an image run by a policy that was exported for it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isObject, memberAt } from '@sigstack/crypto'
import { InteropError } from '../../support/interop-error.ts'
import type { Workshop } from '../../support/workshop.ts'
import type { Session } from '../client.ts'
import { sigstackWords } from '../clients/sigstack.ts'
import { documentsIn, isOfKind } from './exported-documents.ts'
import { judgeByGatekeeper, startGatekeeperProvider } from './gatekeeper-judge.ts'
import { judgeByOpenshift } from './openshift-judge.ts'

/** Throws an `InteropError` `failed` where the engine refuses; `folder` is what was exported for it. */
export type Judge = (session: Session, folder: string, image: string) => Promise<void>

/** What an engine asks when it judges. */
export type Service = {
  /** Words of `policy export` that name it to the policy in the folder `name`. */
  words(name: string): readonly string[]
  stop(): Promise<void>
}

export type PolicyEngine = {
  /** As `policy export --for` has it. */
  readonly name: string
  /** It reads one repository at a time, and no patterns of images. */
  readonly readsWholeNames?: boolean
  /** Throws an {@link InteropError} with code `missing` where the machine cannot have it. */
  install(workshop: Workshop): Promise<Judge>
  /** `folder` holds those of its policies. */
  startService?(session: Session, folder: string): Promise<Service>
}

const source = (name: string): string =>
  fileURLToPath(new URL(`../programs/${name}/main.go`, import.meta.url))

export const policyEngines: readonly PolicyEngine[] = [
  {
    name: 'containers',
    install: installContainers,
  },
  {
    name: 'flux',
    readsWholeNames: true,
    async install({ goBuild, versionOf }) {
      const programs = await goBuild({
        name: 'flux-verifier',
        module: 'github.com/sigstore/cosign/v3',
        version: versionOf('flux-verifier', 'v3.1.3'),
        sources: [source('flux-verifier')],
        isLibrary: true,
      })
      return judgeByFlux(path.join(programs, 'flux-verifier'))
    },
  },
  {
    name: 'policy-controller',
    async install({ goBuild, versionOf }) {
      const module = 'github.com/sigstore/policy-controller'
      const programs = await goBuild({
        name: 'policy-controller',
        module,
        program: `${module}/cmd/tester`,
        version: versionOf('policy-controller', 'v0.13.1'),
        sources: [],
        isSlow: true,
      })
      return judgeByPolicyController(path.join(programs, 'tester'))
    },
  },
  ...['kyverno', 'kyverno-clusterpolicy'].map(
    (name): PolicyEngine => ({
      name,
      async install({ goBuild, versionOf }) {
        const module = 'github.com/kyverno/kyverno'
        const programs = await goBuild({
          name: 'kyverno',
          module,
          program: `${module}/cmd/cli/kubectl-kyverno`,
          version: versionOf('kyverno', 'v1.19.1'),
          sources: [],
          replaces: [
            'k8s.io/pod-security-admission => github.com/kyverno/pod-security-admission v0.0.0-20251031094455-46f20778634f',
          ],
          isSlow: true,
        })
        return judgeByKyverno(path.join(programs, 'kubectl-kyverno'), `${name}.yaml`)
      },
    }),
  ),
  { name: 'containerd', install: async () => judgeByContainerd },
  { name: 'openshift', install: async (workshop) => judgeByOpenshift(await installContainers(workshop)) },
  {
    name: 'gatekeeper',
    async install({ goBuild, versionOf }) {
      const programs = await goBuild({
        name: 'gatekeeper',
        module: 'github.com/open-policy-agent/gatekeeper/v3',
        version: versionOf('gatekeeper', 'v3.23.1'),
        sources: [source('gatekeeper-policy')],
        isLibrary: true,
        isSlow: true,
      })
      return judgeByGatekeeper(path.join(programs, 'gatekeeper-policy'))
    },
    startService: startGatekeeperProvider,
  },
]

async function installContainers({ goBuild, versionOf }: Workshop): Promise<Judge> {
  const programs = await goBuild({
    name: 'containers-image',
    module: 'go.podman.io/image/v5',
    version: versionOf('containers-image', 'v5.42.1'),
    sources: [source('containers-policy')],
    isLibrary: true,
    tags: ['containers_image_openpgp'],
  })
  const program = path.join(programs, 'containers-policy')
  return async ({ run }, folder, image) => {
    const words = [path.join(folder, 'policy.json'), path.join(folder, 'registries.d'), image]
    await run(program, words)
  }
}

/** As it calls programs: three arguments, and nothing else. */
const judgeByContainerd: Judge = async ({ run }, folder, image) => {
  const [name = '', digest = ''] = image.split('@')
  const program = path.join(folder, 'sigstack-policy')
  const type = 'application/vnd.oci.descriptor.v1+json'
  await run(program, ['-name', `${name}:v1`, '-digest', digest, '-stdin-media-type', type])
}

function judgeByFlux(program: string): Judge {
  return async ({ run }, folder, image) => {
    const documents = await documentsIn(path.join(folder, 'flux.yaml'))
    const [repository = ''] = image.split('@')
    const data = memberAt(documents.find(isOfKind('Secret')), 'data')
    const verify = documents
      .filter(isOfKind('OCIRepository'))
      .map((each) => memberAt(each, 'spec'))
      .find((spec) => memberAt(spec, 'url') === `oci://${repository}`)
    const files: string[] = []
    for (const [name, text] of Object.entries(isObject(data) ? data : {})) {
      const file = path.join(folder, name)
      await writeFile(file, Buffer.from(String(text), 'base64'))
      files.push(file)
    }
    const identities = memberAt(verify, 'verify', 'matchOIDCIdentity')
    const ways = Array.isArray(identities)
      ? identities.map((each: unknown) => ['identity', ...files, ...partsOf(each), image])
      : files.map((file) => ['key', file, image])
    if (verify === undefined || ways.length === 0) throw new Error(`nothing verifies ${repository}`)
    await any(ways.map((words) => () => run(program, words)))
  }
}

function partsOf(identity: unknown): readonly string[] {
  return ['issuer', 'subject'].map((name) => String(memberAt(identity, name)))
}

/** Each of its policies must hold. */
function judgeByPolicyController(program: string): Judge {
  return async ({ run }, folder, image) => {
    const text = await readFile(path.join(folder, 'policy-controller.yaml'), 'utf8')
    const documents = text.split(/^---\n/m).slice(1)
    const trust = documents.find((each) => each.includes('kind: TrustRoot'))
    const trustFile = path.join(folder, 'trust.yaml')
    if (trust !== undefined) await writeFile(trustFile, trust)
    for (const [at, policy] of documents.filter((each) => each !== trust).entries()) {
      const file = path.join(folder, `policy-${at}.yaml`)
      await writeFile(file, policy)
      const trusting = trust === undefined ? [] : ['--trustroot', trustFile]
      await run(program, ['--policy', file, '--image', image, '--log-level', 'error', ...trusting])
    }
  }
}

function judgeByKyverno(program: string, policyFile: string): Judge {
  return async ({ run }, folder, image) => {
    const pod = path.join(folder, 'pod.json')
    const metadata = { name: 'tried', namespace: 'default' }
    const spec = { containers: [{ name: 'tried', image }] }
    await writeFile(pod, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }))
    const { stdout } = await run(
      program,
      ['apply', path.join(folder, policyFile), '--resource', pod, '--registry'],
      { timeoutMs: 180_000 },
    )
    // It ends with 0 where it judged nothing, too.
    if (!/pass: [1-9]\d*, fail: 0, warn: 0, error: 0/.test(stdout))
      throw new InteropError('failed', stdout.trim().split('\n').at(-1) ?? 'it says nothing')
  }
}

async function any(ways: readonly (() => Promise<unknown>)[]): Promise<void> {
  let refusal: unknown
  for (const way of ways)
    try {
      await way()
      return
    } catch (error) {
      refusal = error
    }
  throw refusal
}

/** A program that the script for containerd can call: it takes a path and no words. */
export async function writeToolProgram(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = path.join(folder, 'sigstack')
  const words = sigstackWords.map((word) => `'${word}'`).join(' ')
  await writeFile(file, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
  return file
}
