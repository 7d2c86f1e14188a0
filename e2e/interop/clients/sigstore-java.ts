import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client, Session, SignJob } from '../client.ts'
import { mirrorCheck } from '../mirror.ts'
import { startTlsCa, writeSigningConfig } from '../tls-ca.ts'

const source = fileURLToPath(new URL('../programs/sigstore-java/SigstoreJava.java', import.meta.url))
const storePassword = 'changeit'

/** A library that speaks to the CA by gRPC over TLS only, so it gets a copy of the CA that does. */
export const sigstoreJava: Client = {
  name: 'sigstore-java',
  install: async ({ mavenBuild, versionOf }) => {
    // The last one that the registry gives out.
    const version = versionOf('sigstore-java', '2.0.0')
    const { java, classPath } = await mavenBuild({
      name: 'sigstore-java',
      artifact: 'dev.sigstore:sigstore-java',
      version,
      source,
    })
    const program = path.basename(source, '.java')
    const run = (session: Session, args: readonly string[], options: readonly string[] = []) =>
      session.run(java, [`-Duser.home=${session.folder}`, ...options, '-cp', classPath, program, ...args])

    const sign = async (session: Session, { file, bundle, trust }: SignJob) => {
      const ca = await startTlsCa(session, trust)
      try {
        const believe = await trustStore(session, ca.authority)
        const config = await writeSigningConfig(session, trust, ca)
        const where = [trust.trustedRoot, config, await session.token()]
        await run(session, ['sign', ...where, file, bundle], believe)
      } finally {
        await ca.stop()
      }
    }
    return {
      version,
      // It attests with version 2 of Rekor only.
      signers: [{ kind: 'bundle', sign }],
      verifiers: [
        {
          kinds: ['bundle', 'attestation'],
          verify: async (session, { file, bundle, trust, identity: { email, issuer } }) => {
            await run(session, ['verify', trust.trustedRoot, bundle, file, email, issuer])
          },
        },
      ],
      checks: [
        mirrorCheck({
          verify: async (session, { file, bundle, identity: { email, issuer } }, { url, root }) => {
            const mirror = [url, root, path.join(session.folder, 'tuf-cache')]
            await run(session, ['verify-by-mirror', ...mirror, bundle, file, email, issuer])
          },
        }),
      ],
    }
  },
}

/** The certificates that the virtual machine believes servers by, as its options. */
async function trustStore({ run, folder }: Session, authority: string): Promise<readonly string[]> {
  const store = path.join(folder, `${Date.now()}.p12`)
  const place = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', storePassword]
  await run('keytool', ['-importcert', '-noprompt', '-alias', 'ca', '-file', authority, ...place])
  return [`-Djavax.net.ssl.trustStore=${store}`, `-Djavax.net.ssl.trustStorePassword=${storePassword}`]
}
