//! What can be wrong with a log of JSON Lines, how it is called in reports, and what it amounts to.

use crate::ledger::report::Status;

/// What can be wrong with a log of JSON Lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The file begins with a byte order mark; for Python its first line is then no JSON.
    ByteOrderMark,
    /// Lines end in a carriage return: another program wrote or changed them.
    CarriageReturn,
    /// A line holds white space alone.
    BlankLine,
    /// A line is not UTF-8.
    NotUtf8,
    /// A line is no JSON.
    NotJson,
    /// A line is JSON that this reader cannot hold: a lone surrogate, too many levels or digits.
    BeyondReader,
    /// A line is longer than is looked at.
    LineTooLong,
    /// The last line is whole but for its line feed.
    UnterminatedLine,
    /// The last line breaks off.
    HalfWrittenLine,
    /// An object names a key twice.
    DuplicateJsonKeys,
    /// A line has not the members that its recipe asks for.
    MalformedEntry,
    /// A line has members that its hash does not cover.
    UncoveredMember,
    /// The members of a line give another hash than the one it bears.
    HashMismatch,
    /// A line names one before it that is not in the file.
    MissingLine,
    /// A line names one before it that stands elsewhere in the file.
    OutOfOrder,
    /// A line stands in the file a second time.
    DuplicateLine,
    /// Two lines name the same one before them: two writers, or a second history.
    Fork,
    /// A line that is not the first names none before it.
    ChainRestart,
    /// There is no seal.
    SealMissing,
    /// The seal is no seal.
    BadSeal,
    /// There are fewer lines than were sealed.
    MissingLines,
    /// There are more lines than were sealed.
    UnsealedLines,
    /// The lines give another digest than the seal says.
    DigestMismatch,
    /// There is no entry.
    NoEntries,
    /// The file could not be read to its end.
    Unreadable,
}

impl Fault {
    /// Its code in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte_order_mark",
            Self::CarriageReturn => "carriage_return",
            Self::BlankLine => "blank_line",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::BeyondReader => "beyond_reader",
            Self::LineTooLong => "line_too_long",
            Self::UnterminatedLine => "unterminated_line",
            Self::HalfWrittenLine => "half_written_line",
            Self::DuplicateJsonKeys => "duplicate_json_keys",
            Self::MalformedEntry => "malformed_entry",
            Self::UncoveredMember => "uncovered_member",
            Self::HashMismatch => "hash_mismatch",
            Self::MissingLine => "missing_line",
            Self::OutOfOrder => "out_of_order",
            Self::DuplicateLine => "duplicate_line",
            Self::Fork => "fork",
            Self::ChainRestart => "chain_restart",
            Self::SealMissing => "seal_missing",
            Self::BadSeal => "bad_seal",
            Self::MissingLines => "missing_lines",
            Self::UnsealedLines => "unsealed_lines",
            Self::DigestMismatch => "digest_mismatch",
            Self::NoEntries => "no_entries",
            Self::Unreadable => "unreadable",
        }
    }

    /// What a log with this fault alone comes to.
    ///
    /// Another way of writing the same is not sound: only another program can have written it.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::ByteOrderMark
            | Self::CarriageReturn
            | Self::BlankLine
            | Self::UnterminatedLine
            | Self::DuplicateJsonKeys
            | Self::UncoveredMember => Status::NonCanonical,
            Self::NotUtf8
            | Self::NotJson
            | Self::MalformedEntry
            | Self::HashMismatch
            | Self::MissingLine
            | Self::OutOfOrder
            | Self::DuplicateLine
            | Self::ChainRestart
            | Self::UnsealedLines
            | Self::DigestMismatch => Status::Broken,
            Self::HalfWrittenLine | Self::MissingLines => Status::Truncated,
            Self::Fork => Status::Fork,
            Self::SealMissing => Status::AnchorMissing,
            Self::NoEntries => Status::Empty,
            Self::BeyondReader | Self::LineTooLong | Self::BadSeal | Self::Unreadable => Status::Unreadable,
        }
    }
}
