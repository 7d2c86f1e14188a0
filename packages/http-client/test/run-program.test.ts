import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { runProgram } from '../src/run-program.ts'

const shell = (script: string, more: { maxBytes?: number; timeoutMs?: number; signal?: AbortSignal } = {}) =>
  runProgram('/bin/sh', {
    words: ['-c', script],
    input: 'asked',
    maxBytes: 1000,
    timeoutMs: 60_000,
    ...more,
  })

t.test('a program is asked on its input, and both streams and the status come back', async (t) => {
  const answer = await shell('cat; echo trouble >&2; exit 3')
  t.same([answer.status, answer.stdout.toString(), answer.stderr.toString()], [3, 'asked', 'trouble\n'])
  t.equal((await shell('kill -9 $$')).status, 128)
  t.equal((await shell('exec <&-; echo said')).stdout.toString(), 'said\n', 'it need not read')
})

t.test('what a program leaves running keeps nobody', async (t) => {
  const file = path.join(t.testdir(), 'pid')
  // The one that stays holds the output open.
  const answer = await shell(`sleep 600 & echo $! > '${file}'; echo said`)
  t.same([answer.status, answer.stdout.toString()], [0, 'said\n'])
  process.kill(Number(readFileSync(file, 'utf8')))
})

t.test('what says too much is left, itself or by what it has started', async (t) => {
  for (const script of ['exec yes', 'yes & exit 0', 'yes'])
    await t.rejects(shell(script), { name: 'ProgramError', code: 'too_large' }, script)
})

t.test('what does not end is left in time, or with whoever gives up', async (t) => {
  for (const script of ['exec sleep 600', 'trap "" TERM; while :; do read -r x < /dev/null; done'])
    await t.rejects(shell(script, { timeoutMs: 100 }), { code: 'timeout', message: /within 100 ms/ })
  const reason = new Error('enough')
  await t.rejects(shell('exec sleep 600', { signal: AbortSignal.abort(reason) }), reason)
  const given = new AbortController()
  const left = shell('exec sleep 600', { signal: given.signal })
  given.abort(reason)
  await t.rejects(left, reason)
})

t.test('a program that is none is told', async (t) => {
  const call = { words: [], input: '', maxBytes: 1000, timeoutMs: 60_000 }
  await t.rejects(runProgram('no-such-program-7f3a', call), { code: 'missing' })
  await t.rejects(runProgram(t.testdir(), call), { code: 'unusable' })
})
