/** What the suite asks of signing, against a stack of our own; `@sigstore/verify` is the second opinion. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { memberAt } from '@sigstack/crypto'
import type { Endpoints } from '@sigstack/stack'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { trialToken } from '../support/stack-process.ts'
import { type Place, runEntrypoint } from './runner.ts'

const email = 'conformance@example.org'
const content = 'what is signed\n'

export type SignCase = { readonly name: string; run(): Promise<string | undefined> }

/** Each tells what went otherwise than it must. */
export async function signCases(endpoints: Endpoints, place: Place): Promise<readonly SignCase[]> {
  const { trustedRoot = '', signingConfig = '' } = endpoints.files
  const inPlace = (name: string): string => path.join(place.folder, name)
  const trust = ['--trusted-root', trustedRoot]
  const who = ['--certificate-identity', email, '--certificate-oidc-issuer', endpoints.issuer]

  const sign = async (bundle: string, file: string, more: readonly string[] = []): Promise<string> => {
    const token = await trialToken(endpoints, email)
    const how = ['--identity-token', token, '--bundle', bundle, ...trust, '--signing-config', signingConfig]
    const { status, stderr } = await runEntrypoint(['sign-bundle', ...more, ...how, file], place)
    if (status !== 0) throw new Error(`does not sign: ${stderr.trim()}`)
    return readFile(bundle, 'utf8')
  }
  const verify = (bundle: string, artifact: string) =>
    runEntrypoint(['verify-bundle', '--bundle', bundle, ...who, ...trust, artifact], place)

  /** Of both forms: it is verified by us and by others, and stands for nothing else. */
  const check = async (bundle: string, text: string): Promise<string | undefined> => {
    const [file, other] = [inPlace('a.txt'), inPlace('other.txt')]
    const verified = await verify(bundle, file)
    if (verified.status !== 0) return `is refused: ${verified.stderr.trim()}`
    if ((await verify(bundle, other)).status === 0) return 'is accepted for another file'
    const root = TrustedRoot.fromJSON(JSON.parse(await readFile(trustedRoot, 'utf8')))
    const parsed = bundleFromJSON(JSON.parse(text))
    const isMessage = parsed.content.$case === 'messageSignature'
    const entity = isMessage ? toSignedEntity(parsed, Buffer.from(content)) : toSignedEntity(parsed)
    new Verifier(toTrustMaterial(root)).verify(entity, {
      subjectAlternativeName: `^${email.replaceAll('.', '\\.')}$`,
      extensions: { issuer: endpoints.issuer },
    })
    return holdsAuthority(text) ? 'the bundle holds the certificate of an authority' : undefined
  }

  await writeFile(inPlace('a.txt'), content)
  await writeFile(inPlace('other.txt'), 'something else\n')
  return [
    {
      name: 'sign a file: a messageSignature, and no certificate of an authority',
      run: async () => {
        const bundle = inPlace('a.txt.sigstore.json')
        const text = await sign(bundle, inPlace('a.txt'))
        const value: unknown = JSON.parse(text)
        if (memberAt(value, 'messageSignature') === undefined) return 'the bundle has no messageSignature'
        if (memberAt(value, 'dsseEnvelope') !== undefined) return 'the bundle has an envelope'
        return check(bundle, text)
      },
    },
    {
      name: 'sign a statement: an envelope, and its payload is the file byte for byte',
      run: async () => {
        const bundle = inPlace('statement.sigstore.json')
        const statement = inPlace('statement.json')
        const sha256 = createHash('sha256').update(content).digest('hex')
        const bytes = `{ "_type": "https://in-toto.io/Statement/v1",
  "subject": [{"name": "a.txt", "digest": {"sha256": "${sha256}"}}],
  "predicateType": "https://example.org/p/v1", "predicate": {"odd": 1.50} }\n`
        await writeFile(statement, bytes)
        const text = await sign(bundle, statement, ['--in-toto'])
        const envelope = memberAt(JSON.parse(text), 'dsseEnvelope')
        const payload = memberAt(envelope, 'payload')
        if (payload !== Buffer.from(bytes).toString('base64')) return 'the payload is not the file'
        return check(bundle, text)
      },
    },
    {
      name: 'a statement that is none is not signed',
      run: async () => {
        const signed = sign(inPlace('none.sigstore.json'), inPlace('a.txt'), ['--in-toto'])
        return signed.then(
          () => 'is signed',
          () => undefined,
        )
      },
    },
  ]
}

function holdsAuthority(bundle: string): boolean {
  const material = memberAt(JSON.parse(bundle), 'verificationMaterial')
  const chain = memberAt(material, 'x509CertificateChain', 'certificates')
  const all = Array.isArray(chain) ? chain : [memberAt(material, 'certificate')]
  return all.some((each) => new X509Certificate(Buffer.from(String(memberAt(each, 'rawBytes')), 'base64')).ca)
}
