/** Commands that do for a reader what the page did, without it. Values of strangers are quoted for a shell. */
import { misleadingCharacters } from '@sigstack/crypto'
import type { EntryBody } from './body.ts'
import type { CertificateWords } from './certificate.ts'
import type { EntryView } from './read-entry.ts'

export type ShellCommand = { readonly what: string; readonly command: string }

/** Of a log of Rekor v1; undefined where nobody says how clients reach that. */
export function rawCommand({ entry, logUrl }: EntryView): ShellCommand | undefined {
  const command =
    logUrl && `curl -s ${shellQuoted(`${logUrl.replace(/\/$/, '')}/api/v1/log/entries/${entry.uuid}`)}`
  return command === undefined ? undefined : { what: 'The raw entry', command }
}

export function commandsFor({
  body,
  certificate,
  raw,
}: {
  readonly body: EntryBody
  readonly certificate?: CertificateWords
  /** What gets the entry itself. */
  readonly raw?: ShellCommand | undefined
}): readonly ShellCommand[] {
  const [signer] = body.signers
  const [subject] = signer?.subjects ?? []
  const issuer = signer?.tokenIssuer
  const identity =
    subject !== undefined && issuer !== undefined
      ? ` \\\n  --certificate-identity ${shellQuoted(subject)} \\\n  --certificate-oidc-issuer ${shellQuoted(issuer)}`
      : ' --key cosign.pub'
  const isBlob = body.signed !== undefined
  const isAttestation = ['dsse', 'intoto'].includes(body.kind)
  const verify = isBlob ? 'verify-blob' : isAttestation ? 'verify-blob-attestation' : undefined
  return [
    ...(raw === undefined ? [] : [raw]),
    ...(verify === undefined || (certificate === undefined && signer === undefined)
      ? []
      : [
          {
            what: 'Verify the file with sigstack',
            command: `sigstack ${verify} FILE --bundle FILE.sigstore.json${identity}`,
          },
          {
            what: 'Verify the file with cosign',
            command: `cosign ${verify} FILE --bundle FILE.sigstore.json --trusted-root trusted_root.json${identity}`,
          },
        ]),
  ]
}

/** What nobody sees in a terminal is written out (bash, zsh, ksh). */
export function shellQuoted(text: string): string {
  if (text.search(misleadingCharacters) >= 0)
    return `$'${Array.from(text, (character) => (/[\w@.:/+=-]/.test(character) ? character : escapedUnits(character))).join('')}'`
  return /^[\w@.:/+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function escapedUnits(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
