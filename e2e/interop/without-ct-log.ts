/**
 * What clients make of a stack without CT log (`npm run interop -- --without-ct-log`): as they are, and with the switch that each of
 * them has for it. A client that does otherwise than written here fails the run.
 */

import { InteropError } from '../support/interop-error.ts'
import type { Run } from '../support/run-command.ts'
import { type MatrixOptions, newJob, openSession } from './matrix.ts'

type Switch = {
  /** For people. */
  readonly name: string
  readonly apply: (args: readonly string[]) => readonly string[]
}

type Behaviour = {
  /** `true`: it does so as it is. Undefined: it never does. */
  readonly signs?: true | Switch
  readonly verifies?: Switch
}

const flag = (name: string, ...after: readonly string[]): Switch => ({
  name,
  apply: (args) =>
    after.some((word) => args.includes(word)) ? [...args.slice(0, -1), name, ...args.slice(-1)] : args,
})

const ignoreSct = flag('--insecure-ignore-sct', 'verify-blob')

const behaviours: Readonly<Record<string, Behaviour>> = {
  'sigstore-js': {
    signs: true,
    verifies: {
      name: 'ctlogThreshold: 0',
      apply: ([program = '', command = '', job = '{}']) => [
        program,
        command,
        JSON.stringify({ ...(JSON.parse(job) as object), ctlogThreshold: '0' }),
      ],
    },
  },
  'cosign-v3': { signs: true, verifies: ignoreSct },
  'cosign-v2': { signs: flag('--insecure-skip-verify', 'sign-blob'), verifies: ignoreSct },
  'sigstore-go': { signs: true, verifies: flag('-requireCTlog=false', '-trustedrootJSONpath') },
  // It wants the embedded SCT in the answer of the CA, and keys of CT logs in the trusted root.
  'sigstore-python': {},
  // It has no switch.
  'sigstore-java': {},
  'sigstore-rs': {},
  sigstack: { signs: true, verifies: ignoreSct },
}

/** Why a client refused; undefined: it did what was asked. */
type Refusal = string | undefined

/** Tells what was tried, line by line; true when all of it was as expected. */
export async function runWithoutCtLog(
  options: Omit<MatrixOptions, 'foreignTrust'>,
  say: (line: string) => void,
): Promise<boolean> {
  const results: boolean[] = []
  const note = (what: string, isWanted: boolean, refusal: Refusal): void => {
    const isRight = (refusal === undefined) === isWanted
    results.push(isRight)
    const told = refusal === undefined ? 'works' : `is refused: ${refusal}`
    say(`${isRight ? 'ok   ' : 'WRONG'} ${what} ${told}`)
  }
  const clients = await Promise.all(
    options.clients
      .filter(({ client }) => Object.hasOwn(behaviours, client.name))
      .map(async ({ client, installed }) => ({
        name: client.name,
        behaviour: behaviours[client.name] ?? {},
        session: await openSession(options, client),
        signers: installed.signers.filter(({ kind }) => kind === 'bundle'),
        verifiers: installed.verifiers.filter(({ kinds }) => kinds.includes('bundle')),
      })),
  )

  const signed = []
  for (const { name, behaviour, session, signers } of clients) {
    for (const { way, sign } of signers) {
      const who = way === undefined ? name : `${name} (${way})`
      const job = await newJob(options, who)
      const { signs } = behaviour
      const plain = await refusalOf(() => sign(session, job))
      note(`${who}: signing`, signs === true, plain)
      if (typeof signs === 'object') {
        const switched = { ...session, run: withSwitch(session.run, signs) }
        note(`${who}: signing with ${signs.name}`, true, await refusalOf(() => sign(switched, job)))
      }
      if (signs !== undefined) signed.push({ who, job })
    }
  }
  for (const { name, behaviour, session, verifiers } of clients) {
    for (const { verify } of verifiers) {
      for (const { who, job } of signed) {
        const plain = await refusalOf(() => verify(session, job))
        note(`${name}: verifying what ${who} signed`, false, plain)
        const { verifies } = behaviour
        if (verifies === undefined) continue
        const switched = { ...session, run: withSwitch(session.run, verifies) }
        const outcome = await refusalOf(() => verify(switched, job))
        note(`${name}: verifying what ${who} signed with ${verifies.name}`, true, outcome)
      }
    }
  }
  const wrong = results.filter((isRight) => !isRight).length
  say(`\n${results.length - wrong} as expected, ${wrong} otherwise`)
  return results.length > 0 && wrong === 0
}

/** Anything but a client that says no is a fault of the run. */
async function refusalOf(action: () => Promise<void>): Promise<Refusal> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (error instanceof InteropError && error.code === 'failed') return error.message
    throw error
  }
}

function withSwitch(run: Run, { apply }: Switch): Run {
  return (command, args, more) => run(command, apply(args), more)
}
