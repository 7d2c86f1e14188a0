/** The cases, one after the other, and what is said of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import { startEgressGuard } from '../support/egress-guard.ts'
import { startStackProcess } from '../support/stack-process.ts'
import { ownCases, suiteCases } from './cases.ts'
import { complaintOf, type Place } from './runner.ts'
import { signCases } from './sign-cases.ts'

export type SuiteOptions = {
  readonly assets: string | undefined
  readonly only: string
  readonly skipSigning: boolean
}

type Work = { readonly name: string; run(): Promise<string | undefined> }

/** True when everything went as it must. */
export async function runCases({ assets, only, skipSigning }: SuiteOptions): Promise<boolean> {
  const cases = [...ownCases(), ...(assets === undefined ? [] : suiteCases(path.resolve(assets)))].filter(
    ({ name }) => name.includes(only),
  )
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-conformance-'))
  const guard = await startEgressGuard()
  try {
    const place: Place = {
      folder,
      environment: { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8', ...guard.environment },
    }
    const failed = await work(cases.map((each) => ({ name: each.name, run: () => complaintOf(each, place) })))
    say(`verify: ${cases.length - failed} of ${cases.length} cases are right`)
    const unsigned = skipSigning ? 0 : await sign(place, only)
    for (const host of new Set(guard.asked)) say(`FAILED  the network was asked for ${host}`)
    return failed + unsigned + guard.asked.length === 0
  } finally {
    await guard.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function sign(place: Place, only: string): Promise<number> {
  const stack = await startStackProcess({ dataDirectory: path.join(place.folder, 'data') })
  try {
    const cases = (await signCases(stack.endpoints, place)).filter(({ name }) => name.includes(only))
    const failed = await work(cases)
    say(`sign: ${cases.length - failed} of ${cases.length} cases are right`)
    return failed
  } finally {
    await stack.stop()
  }
}

/** Two at a time; returns how many failed. */
async function work(all: readonly Work[]): Promise<number> {
  const waiting = all.values()
  let failed = 0
  const worker = async (): Promise<void> => {
    for (const { name, run } of waiting) {
      const complaint = await run().catch(reasonOf)
      if (complaint === undefined) continue
      failed++
      say(`FAILED  ${name}: ${complaint}`)
    }
  }
  await Promise.all([worker(), worker()])
  return failed
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
