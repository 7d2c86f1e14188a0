/** grpc.health.v1.Health: as Sigstore's own services, Check always serves; List and Watch are left out and so UNIMPLEMENTED. */
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import {
  type Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from './generated/grpc/health/v1/health_pb.ts'

/** @param served Full name of the service that may be asked for by name. */
export function healthService(served: string): Partial<ServiceImpl<typeof Health>> {
  return {
    check({ service }) {
      if (service !== '' && service !== served) throw new ConnectError('unknown service', Code.NotFound)
      return create(HealthCheckResponseSchema, { status: HealthCheckResponse_ServingStatus.SERVING })
    },
  }
}
