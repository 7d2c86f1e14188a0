/** Calls by method and outcome, under the names of go-grpc-prometheus, because dashboards ask for them. */
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect'
import { Counter, Histogram, type Registry } from 'prom-client'

const labelNames = ['grpc_type', 'grpc_service', 'grpc_method'] as const

export function measureCalls(registry: Registry): Interceptor {
  const registers = [registry]
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers })
  const started = counter('grpc_server_started_total', 'Calls begun')
  const received = counter('grpc_server_msg_received_total', 'Messages received')
  const sent = counter('grpc_server_msg_sent_total', 'Messages sent')
  const handled = new Counter({
    name: 'grpc_server_handled_total',
    help: 'Calls ended, by status',
    labelNames: [...labelNames, 'grpc_code'] as const,
    registers,
  })
  const seconds = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'From the beginning of a call to its end',
    labelNames,
    registers,
  })
  return (next) => async (request) => {
    const labels = {
      grpc_type: request.stream ? 'server_stream' : 'unary',
      grpc_service: request.service.typeName,
      grpc_method: request.method.name,
    }
    const stop = seconds.startTimer(labels)
    started.inc(labels)
    received.inc(labels)
    try {
      const response = await next(request)
      sent.inc(labels)
      handled.inc({ ...labels, grpc_code: 'OK' })
      return response
    } catch (error) {
      handled.inc({ ...labels, grpc_code: Code[ConnectError.from(error).code] })
      throw error
    } finally {
      stop()
    }
  }
}
