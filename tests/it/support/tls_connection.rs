//! A TLS connection of a server that one thread reads while another thread writes to it.

use std::{
    collections::VecDeque,
    io::{Error, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
};

use rustls::{ServerConfig, ServerConnection};

/// The server's end of a connection.
pub(crate) struct TlsConnection {
    socket: TcpStream,
    session: Mutex<Session>,
    /// Locked before the session while records are sent, so that they stay in order. Reading does not need it: a peer
    /// that does not read cannot stop this end from reading.
    sending: Mutex<()>,
}

struct Session {
    tls: ServerConnection,
    received: VecDeque<u8>,
}

impl TlsConnection {
    /// The handshake is done by the first read.
    pub(crate) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> Self {
        let session = Session { tls: ServerConnection::new(config).unwrap(), received: VecDeque::new() };
        Self { socket, session: Mutex::new(session), sending: Mutex::new(()) }
    }

    /// Says that no more data follows, and closes the connection.
    pub(crate) fn close(&self) {
        self.session.lock().unwrap().tls.send_close_notify();
        let _ = self.send(&[]);
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn send(&self, data: &[u8]) -> std::io::Result<()> {
        let _sending = self.sending.lock().unwrap();
        let mut records = Vec::new();
        {
            let mut session = self.session.lock().unwrap();
            session.tls.writer().write_all(data)?;
            while session.tls.write_tls(&mut records)? > 0 {}
        }
        (&self.socket).write_all(&records)
    }
}

impl Read for &TlsConnection {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut chunk = [0; 1 << 14];
        loop {
            {
                let received = &mut self.session.lock().unwrap().received;
                if !received.is_empty() {
                    return received.read(buffer);
                }
            }
            let length = (&self.socket).read(&mut chunk)?;
            if length == 0 {
                return Ok(0);
            }
            let result = self.session.lock().unwrap().receive(&chunk[..length]);
            // The answers of the handshake, or the alert for an error.
            self.send(&[])?;
            if result? {
                return Ok(0);
            }
        }
    }
}

impl Write for &TlsConnection {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        // The session buffers at most 64 KiB.
        let part = &data[..data.len().min(1 << 14)];
        self.send(part).map(|()| part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Session {
    /// Decrypts records; true if the peer sends no more data.
    fn receive(&mut self, mut records: &[u8]) -> std::io::Result<bool> {
        let mut is_closed = false;
        while !records.is_empty() {
            self.tls.read_tls(&mut records)?;
            let state = self.tls.process_new_packets().map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
            let mut data = vec![0; state.plaintext_bytes_to_read()];
            self.tls.reader().read_exact(&mut data)?;
            self.received.extend(data);
            is_closed |= state.peer_has_closed();
        }
        Ok(is_closed && self.received.is_empty())
    }
}
