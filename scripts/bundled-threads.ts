/**
 * Loaded before test files: the threads that they start run from the bundle of the programs, where `npm run` has made one. Tests start
 * hundreds, and a thread that loads its sources takes three times as long.
 */
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { nameOfThread } from './programs/thread-name.ts'

const { BUNDLED_PROGRAMS: bundled } = process.env

if (!isMainThread && bundled !== undefined)
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      // Only a thread's own program is loaded by nobody.
      if (context.parentURL !== undefined || !found.url.startsWith('file:')) return found
      const source = path.relative(path.dirname(import.meta.dirname), fileURLToPath(found.url))
      const file = path.join(bundled, `${nameOfThread(source)}.js`)
      return existsSync(file)
        ? { url: pathToFileURL(file).href, format: 'module', shortCircuit: true }
        : found
    },
  })
