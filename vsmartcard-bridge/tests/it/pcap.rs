//! What is said to cards, as Wireshark reads it.

use std::process::Command;

use crate::support::pcsc_client::{PcscClient, SHARED};
use crate::support::program::Emulator;

#[test]
fn tshark_reads_what_was_said_and_finds_no_pin() {
    let home = tempfile::tempdir().unwrap();
    let (file, socket) = (home.path().join("said.pcap"), home.path().join("socket"));
    let [file_name, socket_name] = [&file, &socket].map(|path| path.to_str().unwrap());
    let arguments = [
        "--card",
        "ok",
        "--card",
        "pin-blocked",
        "--reader",
        "A",
        "--reader",
        "B",
        "--pcap",
        file_name,
        "--pcsc-socket",
        socket_name,
    ];
    let mut emulator = Emulator::start(home.path(), arguments);
    emulator.line();
    for reader in ["A", "B"] {
        let mut client = PcscClient::new(&socket, 4);
        let card = client.connect(reader, SHARED).unwrap();
        for command in [
            &b"\x00\xA4\x04\x00\x09\xF0TILLCARD\x00"[..],
            b"\x00\x20\x00\x80\x08\x26\x27\x18\x28\xFF\xFF\xFF\xFF",
        ] {
            client.transmit(card, command).unwrap();
        }
    }
    emulator.signal("TERM");
    assert!(emulator.end().status.success());
    let bytes = std::fs::read(&file).unwrap();
    let pin = [0x26, 0x27, 0x18, 0x28];
    assert!(!bytes.windows(4).any(|part| part == pin));
    let fields = [
        "ip.src",
        "gsm_sim.apdu.ins",
        "gsm_sim.aid",
        "gsm_sim.apdu.sw",
        "ip.checksum.status",
    ];
    let read = Command::new("tshark")
        .args([
            "-n",
            "-o",
            "ip.check_checksum:TRUE",
            "-r",
            file_name,
            "-T",
            "fields",
            "-E",
            "separator=;",
        ])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .output()
        .expect("tshark, of the Debian package of that name");
    let said = String::from_utf8(read.stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "127.0.0.1;0xa4;f054494c4c43415244;0x9000;1",
            "127.0.0.1;0x20;;0x9000;1",
            "127.0.0.2;0xa4;f054494c4c43415244;0x9000;1",
            "127.0.0.2;0x20;;0x6983;1",
        ],
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
}
