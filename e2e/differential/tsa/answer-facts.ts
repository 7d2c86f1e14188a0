/** What is compared of an answer of a timestamp authority. */
import { CryptoError } from '@sigstack/crypto'
import type { Answer } from '../exchange.ts'
import { type Facts, jsonFacts, outerFacts } from '../facts.ts'
import { pemForm } from '../pem-form.ts'
import { type StampContext, stampFacts } from './stamp-facts.ts'

const pem = /-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n?/g
const sequenceTag = 0x30

export async function answerFacts(answer: Answer, context: StampContext): Promise<Facts> {
  const isStamp =
    answer.headers.get('content-type') === 'application/timestamp-reply' && answer.body[0] === sequenceTag
  return new Map([
    ...outerFacts(answer),
    ...(isStamp ? await factsOfStamp(answer, context) : textFacts(answer)),
  ])
}

async function factsOfStamp(answer: Answer, context: StampContext): Promise<Iterable<[string, string]>> {
  try {
    return await stampFacts(answer.body, context)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    return [['stamp', `is no DER: ${error.message}`]]
  }
}

function textFacts(answer: Answer): [string, string][] {
  return jsonFacts(answer, (text) => text.replaceAll(pem, (each) => `<${pemForm(each)}>`))
}
