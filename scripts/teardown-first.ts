/**
 * Loaded before test files. Tap removes the folder of a test before it calls what the test wants to be called at its end, if the folder
 * was made first: under services that still write there, which now and then is an error that leaves them running. With one teardown
 * that is there from the beginning, folders go last.
 */
import { isMainThread } from 'node:worker_threads'

type Test = {
  teardown(action: () => void): unknown
  on(event: 'subtestStart', listener: (started: { readonly t: Test }) => void): unknown
}

function watch(test: Test): void {
  test.teardown(() => {})
  test.on('subtestStart', ({ t }) => watch(t))
}

if (isMainThread) {
  // Tap takes the words behind a program for a part of its name.
  const words = process.argv.splice(2)
  const { t } = await import('tap')
  process.argv.push(...words)
  watch(t as Test)
}
