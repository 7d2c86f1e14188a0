/** Lines to copy and paste that sign and verify a file with clients that others wrote. */

export type HowTo = {
  /** The words that call this tool from any folder: interpreter and script. */
  readonly self: readonly string[]
  /** Absolute. */
  readonly dataFolder: string
  /** Base URL of the service that publishes the trust. */
  readonly trustUrl: string
  readonly caUrl: string
  /** Of Rekor v1, where there is one. */
  readonly rekorUrl?: string
  readonly issuer: string
  /** Whom the example signs as. */
  readonly email: string
  /** False where certificates are in no CT log, so that verifiers have to be told. */
  readonly ctLog: boolean
}

export function howToLines(options: HowTo): string {
  return [
    section('Get a token and the trust', preparation(options)),
    section('cosign 3', cosign(options)),
    section('cosign 3 with the trust from the TUF repository', cosignWithMirror(options)),
    // It wants an SCT, whatever it is told.
    ...(options.ctLog ? [section('sigstore-python', python(options))] : []),
    // Of its libraries that of two lines knows Rekor v1 alone.
    ...(options.rekorUrl === undefined
      ? []
      : [section('sigstore-js', javascript(options, options.rekorUrl))]),
  ].join('\n')
}

/** For stacks whose tokens come from issuers of the operator's; who signs is in the token. */
export function ownIssuerLines({
  trustUrl,
  issuer,
  ctLog,
}: Pick<HowTo, 'trustUrl' | 'issuer' | 'ctLog'>): string {
  const signer = { email: 'you@example.org', issuer, ctLog }
  return [
    section('Get the trust; token.jwt is a token of your issuer', [
      'cd "$(mktemp -d)"',
      `echo 'hello' > ${file}`,
      ...publishedFiles(trustUrl),
    ]),
    section('cosign 3', cosign(signer)),
    section('cosign 3 with the trust from the TUF repository', cosignWithMirror({ ...signer, trustUrl })),
  ].join('\n')
}

const file = 'hello.txt'

function section(title: string, lines: readonly string[]): string {
  return `# ${title}\n${lines.join('\n')}\n`
}

/** Defines the command in a shell. */
export function commandLine(self: readonly string[], dataFolder: string): string {
  return `sigstack() { SIGSTACK_DATA=${quote(dataFolder)} ${self.map(quote).join(' ')} "$@"; }`
}

/** In a folder of its own, as npm would not install into a workspace. */
function preparation({ self, dataFolder, trustUrl, email }: HowTo): readonly string[] {
  return [
    'cd "$(mktemp -d)"',
    `echo 'hello' > ${file}`,
    commandLine(self, dataFolder),
    `sigstack token --email ${quote(email)} > token.jwt`,
    ...publishedFiles(trustUrl),
  ]
}

function publishedFiles(trustUrl: string): readonly string[] {
  return ['trusted_root.json', 'signing_config.v0.2.json', 'trust_config.json'].map(
    (name) => `curl -fsSO ${quote(`${trustUrl}/${name}`)}`,
  )
}

type Signer = Pick<HowTo, 'email' | 'issuer' | 'ctLog'>

/** cosign takes a file too, but sends its line feed along, so the token is put into the line. */
function cosign({ email, issuer, ctLog }: Signer): readonly string[] {
  const bundle = `${file}.cosign.json`
  return [
    `cosign sign-blob --yes --signing-config signing_config.v0.2.json --trusted-root trusted_root.json --identity-token "$(cat token.jwt)" --bundle ${bundle} ${file}`,
    `cosign verify-blob ${sctFlag(ctLog)}--trusted-root trusted_root.json --bundle ${bundle} --certificate-identity ${quote(email)} --certificate-oidc-issuer ${quote(issuer)} ${file}`,
  ]
}

/** `TUF_ROOT` keeps the caller's own trust, below the home folder, as it is. */
function cosignWithMirror({
  trustUrl,
  email,
  issuer,
  ctLog,
}: Signer & Pick<HowTo, 'trustUrl'>): readonly string[] {
  const bundle = `${file}.mirror.json`
  const mirror = quote(`${trustUrl}/tuf`)
  return [
    'export TUF_ROOT="$PWD/tuf"',
    `curl -fsSO ${quote(`${trustUrl}/tuf/root.json`)}`,
    `cosign initialize --mirror ${mirror} --root root.json`,
    `cosign sign-blob --yes --identity-token "$(cat token.jwt)" --bundle ${bundle} ${file}`,
    `cosign verify-blob ${sctFlag(ctLog)}--bundle ${bundle} --certificate-identity ${quote(email)} --certificate-oidc-issuer ${quote(issuer)} ${file}`,
  ]
}

function python({ email, issuer }: HowTo): readonly string[] {
  const bundle = `${file}.python.json`
  return [
    `sigstore --trust-config trust_config.json sign --identity-token "$(cat token.jwt)" --bundle ${bundle} ${file}`,
    `sigstore --trust-config trust_config.json verify identity --cert-identity ${quote(email)} --cert-oidc-issuer ${quote(issuer)} --bundle ${bundle} ${file}`,
  ]
}

function javascript({ caUrl, email, issuer, ctLog }: HowTo, rekorUrl: string): readonly string[] {
  const threshold = ctLog ? '' : ', { ctlogThreshold: 0 }'
  const text = (value: string) => JSON.stringify(value)
  return [
    'npm install --no-save sigstore @sigstore/bundle @sigstore/protobuf-specs @sigstore/verify',
    "cat > try-sigstore.mjs <<'END'",
    "import { readFileSync } from 'node:fs'",
    "import { bundleFromJSON } from '@sigstore/bundle'",
    "import { TrustedRoot } from '@sigstore/protobuf-specs'",
    "import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'",
    "import { sign } from 'sigstore'",
    `const data = readFileSync(${text(file)})`,
    "const identityToken = readFileSync('token.jwt', 'utf8').trim()",
    `const bundle = await sign(data, { fulcioURL: ${text(caUrl)}, rekorURL: ${text(rekorUrl)}, identityToken })`,
    "const root = TrustedRoot.fromJSON(JSON.parse(readFileSync('trusted_root.json', 'utf8')))",
    `const signer = new Verifier(toTrustMaterial(root)${threshold}).verify(toSignedEntity(bundleFromJSON(bundle), data), {`,
    `  subjectAlternativeName: ${text(`^${escapePattern(email)}$`)},`,
    `  extensions: { issuer: ${text(issuer)} },`,
    '})',
    "console.log('verified:', signer.identity.subjectAlternativeName)",
    'END',
    'node try-sigstore.mjs',
  ]
}

function sctFlag(ctLog: boolean): string {
  return ctLog ? '' : '--insecure-ignore-sct '
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** For a POSIX shell; plain words stay as they are. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
