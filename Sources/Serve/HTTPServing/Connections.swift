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

/// A client's connection, and what is to be taken back when it closes.
final class Connection: Sendable {
    private struct State {
        var isClosed: Bool
        var last = 0
        var whenClosed: [(key: Int, cancel: @Sendable () -> Void)] = []
    }

    private let state: Mutex<State>

    init(isClosed: Bool = false) { state = Mutex(State(isClosed: isClosed)) }

    /// A number for `begin` and `end`.
    func key() -> Int {
        state.withLock { state in
            state.last += 1
            return state.last
        }
    }

    /// Lets `cancel` be called when the connection closes, until `end`; at once where it is closed.
    func begin(_ key: Int, _ cancel: @escaping @Sendable () -> Void) {
        let isClosed = state.withLock { state in
            state.whenClosed.append((key, cancel))
            return state.isClosed
        }
        if isClosed { cancel() }
    }

    /// Forgets what `begin` was given.
    func end(_ key: Int) { state.withLock { $0.whenClosed.removeAll { $0.key == key } } }

    fileprivate func close() {
        let calls = state.withLock { state in
            state.isClosed = true
            return state.whenClosed
        }
        for call in calls { call.cancel() }
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
