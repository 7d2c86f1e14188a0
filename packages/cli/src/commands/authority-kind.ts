/** What a CA and a timestamp authority do alike with the authorities in their folders, and what differs. */
import {
  type CeremonyFolder,
  commitRotation,
  commitStampRotation,
  prepareRotation,
  prepareStampRotation,
} from '@sigstack/ca-authority'
import type { CertificateAuthority, TrustedRoot } from '@sigstack/trust-root'
import type { Io } from '../io.ts'
import { ceremonyFolder, type FolderOptions, stampFolder } from './ca-folder.ts'

type Chain = readonly { readonly der: Uint8Array }[]

export type AuthorityKind = {
  /** The command, and the service in endpoints.json. */
  readonly command: 'ca' | 'tsa'
  readonly name: string
  /** What the one that is in use does, and what it is to do. */
  readonly does: 'issues' | 'stamps'
  readonly todo: 'issue' | 'stamp'
  /** To be told before it does. */
  readonly notice: string
  folder(io: Io, options: FolderOptions): Promise<CeremonyFolder>
  prepare(
    options: CeremonyFolder & { readonly keyUri?: string; readonly now: Date },
  ): Promise<{ readonly name: string; readonly chain: Chain }>
  commit(options: CeremonyFolder & { readonly name: string; readonly now: Date }): Promise<void>
  listedIn(trustedRoot: TrustedRoot): readonly CertificateAuthority[]
  /** Where the service tells its chains, the one in use first. */
  readonly bundlePath: string
}

export const certificateAuthority: AuthorityKind = {
  command: 'ca',
  name: 'CA',
  does: 'issues',
  todo: 'issue',
  // Nobody else tells them: such a log refuses everybody until its file is written anew.
  notice:
    'Logs whose admission rules name a chain by file need the new chain in it before it issues; a chain by the URL of the trust bundle needs nothing.\n',
  folder: ceremonyFolder,
  prepare: prepareRotation,
  commit: commitRotation,
  listedIn: ({ certificateAuthorities }) => certificateAuthorities,
  bundlePath: '/api/v2/trustBundle',
}

export const timestampAuthority: AuthorityKind = {
  command: 'tsa',
  name: 'timestamp authority',
  does: 'stamps',
  todo: 'stamp',
  notice: '',
  folder: stampFolder,
  prepare: prepareStampRotation,
  commit: commitStampRotation,
  listedIn: ({ timestampAuthorities }) => timestampAuthorities,
  bundlePath: '/api/v1/timestamp/trustBundle',
}
