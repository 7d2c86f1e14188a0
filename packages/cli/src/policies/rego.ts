/** Rego that was compiled to WebAssembly beforehand (`opa build -t wasm -e signature/allow`). */

import { loadPolicy } from '@open-policy-agent/opa-wasm'
import { isObject, quoted, reasonOf } from '@sigstack/crypto'
import { badPolicy, type Check } from './policy.ts'

const entrypoint = 'signature/allow'
/** Pages of 64 KiB. */
const memory = { initial: 16, maximum: 4096 }

export async function regoCheck(file: string, bytes: Buffer): Promise<Check> {
  const policy = await load(file, bytes).catch((cause: unknown) => {
    throw badPolicy(file, reasonOf(cause), cause)
  })
  const { entrypoints } = policy as { readonly entrypoints: unknown }
  if (!isObject(entrypoints) || !Object.hasOwn(entrypoints, entrypoint))
    throw badPolicy(file, `it has no entry point ${entrypoint}`)
  return (statement) => {
    try {
      const results: unknown = policy.evaluate(statement, entrypoint)
      const [first] = Array.isArray(results) ? (results as readonly unknown[]) : []
      const value = isObject(first) ? first['result'] : undefined
      if (value === true) return undefined
      return first === undefined
        ? "result is undefined for query 'data.signature.allow'"
        : `expression value, ${quoted(value, 200)}, is not true`
    } catch (cause) {
      return `the policy fails: ${quoted(reasonOf(cause), 500)}`
    }
  }
}

/** Of the global that Node has and its types lack. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    compile(bytes: Uint8Array): Promise<Parameters<typeof loadPolicy>[0]>
    readonly Module: { exports(module: unknown): readonly { readonly name: string }[] }
  }
}

async function load(file: string, bytes: Buffer): ReturnType<typeof loadPolicy> {
  const module = await WebAssembly.compile(bytes)
  // The library talks to the terminal where there is none of these.
  if (!WebAssembly.Module.exports(module).some(({ name }) => name === 'opa_wasm_abi_version'))
    throw badPolicy(file, 'it is WebAssembly, and no policy that opa build has made')
  return loadPolicy(module, memory)
}
