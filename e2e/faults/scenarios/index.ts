/** Every scenario, in the order in which they run. */
import type { Scenario } from '../scenario.ts'
import { cutCommit } from './cut-commit.ts'
import { fillDisk } from './fill-disk.ts'
import { freezeReplica } from './freeze-replica.ts'
import { killRedis } from './kill-redis.ts'
import { killReplicas } from './kill-replicas.ts'
import { killStack } from './kill-stack.ts'
import { killWitnesses } from './kill-witnesses.ts'
import { restartDatabase } from './restart-database.ts'
import { rollOver } from './roll-over.ts'
import { silenceNetwork } from './silence-network.ts'
import { tireSigner } from './tire-signer.ts'
import { turnClock } from './turn-clock.ts'

export const scenarios: readonly Scenario[] = [
  killStack,
  killReplicas,
  cutCommit,
  silenceNetwork,
  freezeReplica,
  fillDisk,
  tireSigner,
  turnClock,
  rollOver,
  restartDatabase,
  killRedis,
  killWitnesses,
]
