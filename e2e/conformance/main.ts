/**
 * `npm run conformance`: bundles of other implementations and what our tool signs, by the protocol of sigstore-conformance, each
 * verification by file and by digest, and each refusal for the reason that is told for it. Ends with status 1 when anything went
 * otherwise than it must. See docs/conformance.md.
 *
 *   --assets FOLDER    also the cases of a checkout of the suite: its test/assets/bundle-verify
 *   --only TEXT        the cases with TEXT in their name
 *   --skip-signing     start no stack
 *
 * With `sign-bundle` or `verify-bundle` for the first word it is the client of the protocol itself; `entrypoint` calls it so.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isProtocolCommand, ProtocolError, toolWords } from './protocol.ts'

const at = (file: string): string => fileURLToPath(new URL(`../../packages/${file}`, import.meta.url))
const publicTrustedRoot = at('verification/test/vectors/roots/public-good.trusted_root.json')

const given = process.argv.slice(2)
if (isProtocolCommand(given[0])) await actAsClient()
else {
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      only: { type: 'string', default: '' },
      'skip-signing': { type: 'boolean', default: false },
    },
  })
  const { assets, only, 'skip-signing': skipSigning } = values
  // A client loads none of this.
  const { runCases } = await import('./suite.ts')
  process.exitCode = (await runCases({ assets, only, skipSigning })) ? 0 : 1
}

/** In this process: the tool as it is started anywhere. */
async function actAsClient(): Promise<void> {
  try {
    process.argv.splice(2, Infinity, ...toolWords(given, publicTrustedRoot))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    process.stderr.write(`Error: ${error.message}\n`)
    process.exitCode = 2
    return
  }
  await import(at('cli/src/main.ts'))
}
