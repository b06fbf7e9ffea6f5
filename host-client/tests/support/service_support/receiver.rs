//! A receiver of webhooks: it takes requests, remembers them, and answers as a test wants it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Message {
    headers: String,
    pub(crate) body: String,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.headers.lines();
        let line = lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        line.unwrap_or_else(|| panic!("no {name} in {}", self.headers))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

struct Shared {
    came: Mutex<Vec<Message>>,
    answer: Mutex<String>,
    has_ended: AtomicBool,
}

/// A receiver, until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// One at a port of its own.
    pub(crate) fn open() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    /// One at this address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Shared {
                came: Mutex::default(),
                answer: Mutex::new("200 OK".to_owned()),
                has_ended: AtomicBool::new(false),
            }),
        };
        let shared = Arc::clone(&receiver.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                take(&shared, stream.unwrap());
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// The answer from now on, such as `500 Sorry`; more headers may follow. `never` is none.
    pub(crate) fn answer(&self, answer: &str) {
        *self.shared.answer.lock().unwrap() = answer.to_owned();
    }

    /// All that came.
    pub(crate) fn came(&self) -> Vec<Message> {
        self.shared.came.lock().unwrap().clone()
    }

    /// Waits until so many have come.
    #[track_caller]
    pub(crate) fn wait_for(&self, number: usize) -> Vec<Message> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let came = self.came();
            if came.len() >= number {
                return came;
            }
            let kinds: Vec<_> = came.iter().map(Message::kind).collect();
            assert!(Instant::now() < deadline, "only {kinds:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::SeqCst);
        // Wakes the thread, which closes the port.
        let _ = TcpStream::connect(self.address);
        while TcpStream::connect(self.address).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn take(shared: &Shared, mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        if lines.read_line(&mut headers).unwrap_or(0) == 0 {
            return;
        }
    }
    let mut message = Message {
        headers,
        body: String::new(),
    };
    let length = message.header("content-length").parse().unwrap();
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    message.body = String::from_utf8(body).unwrap();
    shared.came.lock().unwrap().push(message);
    let answer = shared.answer.lock().unwrap().clone();
    if answer == "never" {
        // Open until the test ends.
        std::mem::forget(stream);
        return;
    }
    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes());
}
