/**
 * The npm packages as a program, so that they too run apart, with a home of their own:
 *
 *   node sigstore-js.ts version | sign JOB | attest JOB | verify JOB | verify-by-mirror JOB        with the job as JSON
 *
 * `sigstore` finds its trust only in a TUF mirror; with the trusted root as a file, verification is that of `@sigstore/verify`, which
 * `sigstore` itself uses.
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { attest, sign, verify as verifyByMirror } from 'sigstore'

const [command, text = '{}'] = process.argv.slice(2)
const job = JSON.parse(text) as Readonly<Record<string, string>>
const of = (name: string): string => {
  const value = job[name]
  if (value === undefined) throw new Error(`the job names no ${name}`)
  return value
}

try {
  await run()
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function run(): Promise<void> {
  switch (command) {
    case 'version':
      process.stdout.write(versions())
      break
    case 'sign':
      await writeFile(of('bundle'), JSON.stringify(await sign(await readFile(of('file')), options())))
      break
    case 'attest': {
      const statement = await readFile(of('statement'))
      const bundle = await attest(statement, 'application/vnd.in-toto+json', options())
      await writeFile(of('bundle'), JSON.stringify(bundle))
      break
    }
    case 'verify':
      await verify()
      break
    case 'verify-by-mirror':
      await verifyByMirror(JSON.parse(await readFile(of('bundle'), 'utf8')), await readFile(of('file')), {
        tufMirrorURL: of('mirror'),
        tufRootPath: of('root'),
        certificateIssuer: of('issuer'),
        certificateIdentityEmail: of('email'),
      })
      break
    default:
      throw new Error(`unknown command ${command}`)
  }
}

function options(): { fulcioURL: string; rekorURL: string; identityToken: string } {
  return { fulcioURL: of('ca'), rekorURL: of('rekor'), identityToken: of('token') }
}

async function verify(): Promise<void> {
  const root = TrustedRoot.fromJSON(JSON.parse(await readFile(of('trustedRoot'), 'utf8')))
  const bundle = bundleFromJSON(JSON.parse(await readFile(of('bundle'), 'utf8')))
  const data = await readFile(of('file'))
  const entity =
    bundle.content.$case === 'messageSignature' ? toSignedEntity(bundle, data) : toSignedEntity(bundle)
  const ctlogThreshold = Number(job['ctlogThreshold'] ?? 1)
  new Verifier(toTrustMaterial(root), { ctlogThreshold }).verify(entity, {
    // The library takes a pattern.
    subjectAlternativeName: `^${of('email').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`,
    extensions: { issuer: of('issuer') },
  })
  // What a statement is about is left to the caller.
  if (bundle.content.$case === 'dsseEnvelope') {
    const { subject } = JSON.parse(bundle.content.dsseEnvelope.payload.toString()) as {
      subject: { digest: { sha256: string } }[]
    }
    const digest = createHash('sha256').update(data).digest('hex')
    if (!subject.some((each) => each.digest.sha256 === digest)) {
      throw new Error(`the statement has no subject with the digest ${digest}`)
    }
  }
}

function versions(): string {
  const require = createRequire(import.meta.url)
  const versionOf = (name: string) => (require(`${name}/package.json`) as { version: string }).version
  return `${versionOf('sigstore')} ${versionOf('@sigstore/verify')}\n`
}
