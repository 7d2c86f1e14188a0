/** The tools that sign and verify images, each in both forms. */
import type { Session, VerifyJob } from '../client.ts'
import { identityFlags } from '../clients/cosign-commands.ts'
import { sigstackWords } from '../clients/sigstack.ts'
import { keyFileVariables } from '../trust-material.ts'

export const imageForms = ['bundle', 'legacy'] as const
export type ImageForm = (typeof imageForms)[number]

/** Who signs, whom to accept, and by which trust. */
export type ImageJob = Pick<VerifyJob, 'trust' | 'identity'>

export type ImageTool = {
  readonly name: string
  sign(session: Session, form: ImageForm, image: string, job: ImageJob): Promise<void>
  /** Throws where the tool refuses. */
  verify(session: Session, form: ImageForm, image: string, job: ImageJob): Promise<void>
  /** Program and words before a command. */
  readonly command: readonly string[]
  /** What of a signed image its `save` and `load` take along. */
  readonly keeps: readonly ImageForm[]
  /** Loads manifests of bundles before their blobs, which registries that check blobs refuse. */
  readonly loadsManifestsFirst?: true
}

/** One of them with its own home. */
export type Installed = { readonly tool: ImageTool; readonly session: Session }

export const sigstackImages: ImageTool = {
  name: 'sigstack',
  command: sigstackWords,
  keeps: imageForms,
  async sign({ run, token }, form, image, { trust }) {
    const [program = '', ...words] = sigstackWords
    const who = ['--identity-token', await token(), '--trust-config', trust.clientTrustConfig]
    await run(program, [...words, 'sign', '--format', form, ...who, image])
  },
  async verify({ run }, _form, image, job) {
    const [program = '', ...words] = sigstackWords
    const flags = ['--trusted-root', job.trust.trustedRoot, ...identityFlags(job)]
    await run(program, [...words, 'verify', ...flags, image])
  },
}

/** cosign 3, which writes old tags only by URLs. */
export function cosignThree(program: string): ImageTool {
  const old = ['--new-bundle-format=false']
  return {
    name: 'cosign-v3',
    command: [program],
    keeps: imageForms,
    loadsManifestsFirst: true,
    async sign({ run, token, endpoints }, form, image, { trust }) {
      const where =
        form === 'bundle'
          ? ['--signing-config', trust.signingConfig]
          : [...old, '--use-signing-config=false', ...urls(endpoints)]
      const who = ['--identity-token', await token(), '--trusted-root', trust.trustedRoot]
      await run(program, ['sign', '--yes', ...where, ...who, image])
    },
    async verify({ run }, form, image, job) {
      const flags = ['--trusted-root', job.trust.trustedRoot, ...identityFlags(job)]
      await run(program, ['verify', ...(form === 'legacy' ? old : []), ...flags, image])
    },
  }
}

/** cosign 2, which has to be asked for bundles. */
export function cosignTwo(program: string): ImageTool {
  const formFlags = (form: ImageForm): readonly string[] => (form === 'bundle' ? ['--new-bundle-format'] : [])
  return {
    name: 'cosign-v2',
    command: [program],
    keeps: ['legacy'],
    async sign({ run, token, endpoints }, form, image, { trust }) {
      const who = ['--identity-token', await token(), ...urls(endpoints)]
      const flags = form === 'bundle' ? ['--trusted-root', trust.trustedRoot] : []
      const environment = form === 'bundle' ? {} : keyFileVariables(trust)
      await run(program, ['sign', '--yes', ...formFlags(form), ...flags, ...who, image], { environment })
    },
    async verify({ run }, form, image, job) {
      const flags = ['--trusted-root', job.trust.trustedRoot, ...identityFlags(job)]
      await run(program, ['verify', ...formFlags(form), ...flags, image])
    },
  }
}

function urls({ services, issuer }: Session['endpoints']): readonly string[] {
  return ['--fulcio-url', `${services.ca}`, '--rekor-url', `${services.rekor}`, '--oidc-issuer', issuer]
}
