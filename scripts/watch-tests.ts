/**
 * Loaded before test files, for two things that tap does otherwise.
 *
 * It removes the folder of a test before it calls what the test wants to be called at its end, if the folder was made first: under
 * services that still write there, which now and then is an error that leaves them running. With one teardown that is there from the
 * beginning, folders go last.
 *
 * And to tell in which test an error came that nobody caught, it follows every promise of the process, by `async-hook-domain`, for which
 * tests of services pay a tenth of their time. Here it is the test under way.
 */
import { registerHooks } from 'node:module'
import { isMainThread } from 'node:worker_threads'

type Test = {
  teardown(action: () => void): unknown
  on(event: 'subtestStart', listener: (started: { readonly t: Test }) => void): unknown
  threw(error: unknown): unknown
}

/** Those around it first. */
const underWay = new Set<Test>()

/** Begun, and not ended by its last teardown, which is the first that it was given. */
function watch(test: Test): void {
  underWay.add(test)
  test.teardown(() => underWay.delete(test))
  test.on('subtestStart', ({ t }) => watch(t))
}

function failTestUnderWay(error: unknown): void {
  const test = [...underWay].at(-1)
  const isHandled =
    process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()
  if (test === undefined || isHandled) return
  test.threw(error)
  // This once the process goes on.
  process.setUncaughtExceptionCaptureCallback(() => process.setUncaughtExceptionCaptureCallback(null))
}

if (isMainThread) {
  const domain = 'export class Domain { destroy() {} }'
  const url = `data:text/javascript,${encodeURIComponent(domain)}`
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'async-hook-domain'
        ? { url, format: 'module', shortCircuit: true }
        : next(specifier, context),
  })
  process.on('uncaughtExceptionMonitor', failTestUnderWay)
  // Tap takes the words behind a program for a part of its name.
  const words = process.argv.splice(2)
  const { t } = await import('tap')
  process.argv.push(...words)
  watch(t as Test)
}
