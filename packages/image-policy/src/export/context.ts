/** What an exporter is given beside the policy, and what it hands back. */
import type { Service, TrustedRoot } from '@sigstack/trust-root'
import type { ImagePolicy } from '../policy.ts'

export type ExportContext = {
  /** Of the tool, for the comment on top. */
  readonly toolVersion: string
  /** Not needed where keys sign without a log. */
  readonly trust?: { readonly trustedRoot: TrustedRoot; readonly text: string } | undefined
  /** The TUF repository of the instance, for engines that ask it whatever else they are given. */
  readonly tuf?: { readonly mirror: string; readonly root: Uint8Array } | undefined
  /** The logs of the instance with the versions of their interface, which a trusted root does not tell. */
  readonly rekorServices?: readonly Pick<Service, 'url' | 'majorApiVersion'>[]
  /** Major and minor of the engine; undefined is the oldest that the exporter knows of. */
  readonly engineVersion?: readonly [major: number, minor: number] | undefined
  /** Who answers Gatekeeper. */
  readonly provider?: { readonly url: string; readonly caPem: string } | undefined
  /** Where this tool is on the machines that run containers. */
  readonly program?: string | undefined
}

export type Exported = {
  /** The policy first, then what belongs beside it. */
  readonly files: readonly { readonly name: string; readonly text: string; readonly isProgram?: boolean }[]
  /** Whom the engine treats otherwise than the policy says, to the safe side; and what else there is to do. */
  readonly notes: readonly string[]
}

/** `cannot` takes a sentence for each thing that the engine cannot say; with one of them nothing is exported. */
export type Exporter = (
  policy: ImagePolicy,
  context: ExportContext,
  cannot: (sentence: string) => void,
) => Exported
