//! A minimal program with the same build profile, which `scripts/bench` compares start-up with.

fn main() {
    println!("hello, world");
}
