import NIOCore
import Synchronization

/// Connections that are open, so that what a client asked for ends when the client goes.
final class Connections: Sendable {
    private let open = Mutex<[ObjectIdentifier: Connection]>([:])

    /// The connection of a channel; one that has been closed where it is not known.
    func connection(_ channel: any Channel) -> Connection {
        open.withLock { $0[ObjectIdentifier(channel)] } ?? Connection(isClosed: true)
    }

    /// Number of open connections.
    var count: Int { open.withLock { $0.count } }

    fileprivate func add(_ channel: any Channel) {
        open.withLock { $0[ObjectIdentifier(channel)] = Connection() }
    }

    fileprivate func remove(_ channel: any Channel) {
        open.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.close()
    }
}

/// A client's connection.
final class Connection: Sendable {
    private struct State {
        var isClosed: Bool
        var whenClosed: (@Sendable () -> Void)?
    }

    private let state: Mutex<State>

    init(isClosed: Bool = false) { state = Mutex(State(isClosed: isClosed)) }

    /// Lets `cancel` be called when the connection closes, until `end`; at once where it is closed.
    func begin(_ cancel: @escaping @Sendable () -> Void) {
        let isClosed = state.withLock { state in
            state.whenClosed = cancel
            return state.isClosed
        }
        if isClosed { cancel() }
    }

    /// Forgets what `begin` was given.
    func end() { state.withLock { $0.whenClosed = nil } }

    fileprivate func close() {
        let cancel = state.withLock { state in
            state.isClosed = true
            return state.whenClosed
        }
        cancel?()
    }
}

/// Tells when channels open and close.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Never
    private let connections: Connections

    init(_ connections: Connections) { self.connections = connections }

    func handlerAdded(context: ChannelHandlerContext) { connections.add(context.channel) }

    func channelInactive(context: ChannelHandlerContext) {
        connections.remove(context.channel)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { connections.remove(context.channel) }
}
