/** A log whose key is called by its origin in checkpoints, as CT logs and those of Rekor v2 are. */
import { noteKeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { keyFingerprint, type Signer } from '@sigstack/crypto'
import type { LogOptions } from '@sigstack/log-engine'

/** A log that exists keeps the origin it was made with. The last checkpoint of a frozen one says so. */
export function logByOrigin(
  name: string,
  newOrigin: string,
  signer: Signer,
): Pick<LogOptions, 'name' | 'logId' | 'newOrigin' | 'signCheckpoint'> {
  return {
    name,
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => newOrigin,
    signCheckpoint: (treeHead, origin, frozenAtMs) =>
      signCheckpoint({
        origin,
        name: origin,
        treeHead,
        ...(frozenAtMs !== undefined && { extensionLines: [frozenLine(new Date(frozenAtMs))] }),
        signer,
        keyHint: noteKeyHint(origin, signer.publicKey),
      }),
  }
}

/** As upstream's tool writes it, in the form of `date` (rekor-v2.md section 15): `Log frozen — Wed Dec  2 05:44:27 UTC 2026`. */
function frozenLine(time: Date): string {
  const [weekday = '', day, month, year, clock] = time.toUTCString().split(' ')
  return `Log frozen — ${weekday.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${clock} UTC ${year}`
}
