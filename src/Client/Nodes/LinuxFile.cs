using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansPolicy.Client;

/// <summary>
/// What .NET's files do not offer: opening a path that somebody else may have filled without waiting on what lies there, and flushing the
/// entries of a folder. On other systems than Linux files are opened as .NET opens them, and entries are not flushed.
/// </summary>
internal static class LinuxFile
{
    private const int ErrorPermission = 1;
    private const int ErrorNoEntry = 2;
    private const int ErrorNoDevice = 6;
    private const int ErrorAccess = 13;
    private const int ErrorNoFolder = 20;

    // The same on every architecture that .NET runs on.
    private const int ReadOnly = 0;
    private const int NoTerminal = 0x100;
    private const int NoWait = 0x800;
    private const int NotInherited = 0x80000;

    private const int OfTheHandle = 0x1000;
    private const uint TypeWanted = 1;
    private const int TypeMask = 0xF000;
    private const int TypeRegular = 0x8000;

    /// <summary>
    /// A file to read. What was opened is looked at, not what the path led to a moment before: a pipe would wait for a writer and then be
    /// read for as long as he likes, a device for ever.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IrregularFileException">It is no regular file.</exception>
    /// <exception cref="IOException">It is not there, or cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream OpenRegular(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 0,
            });
        }

        var handle = Open(path);
        try
        {
            return IsRegular(handle, path) ? new FileStream(handle, FileAccess.Read, bufferSize: 0) : throw new IrregularFileException(path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Makes the entries of a folder durable: a file that was renamed into it is there after a loss of power, too.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">It cannot be.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be read.</exception>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsLinux())
        {
            using var handle = Open(folder);
            RandomAccess.FlushToDisk(handle);
        }
    }

    private static SafeFileHandle Open(string path)
    {
        // A path with a zero in it would be cut short: this refuses it.
        var full = Path.GetFullPath(path);
        var descriptor = OpenDescriptor(full, ReadOnly | NoTerminal | NoWait | NotInherited);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure(path, Marshal.GetLastPInvokeError());
    }

    private static bool IsRegular(SafeFileHandle handle, string path)
    {
        var status = new byte[StatusBytes];
        return ReadStatus(handle, "", OfTheHandle, TypeWanted, status) == 0
            ? (BitConverter.ToUInt16(status, StatusModeAt) & TypeMask) == TypeRegular
            : throw Failure(path, Marshal.GetLastPInvokeError());
    }

    // A socket, or a device that nothing stands behind, cannot be opened at all.
    private static Exception Failure(string path, int error) => error switch
    {
        ErrorNoEntry or ErrorNoFolder => new FileNotFoundException(Marshal.GetPInvokeErrorMessage(error), path),
        ErrorNoDevice => new IrregularFileException(path),
        ErrorAccess or ErrorPermission => new UnauthorizedAccessException($"Access to the path '{path}' is denied."),
        _ => new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: {path}"),
    };

    // The kernel's struct statx, whose layout is the same everywhere: 256 bytes, the mode at 28.
    private const int StatusBytes = 256;
    private const int StatusModeAt = 28;

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int OpenDescriptor([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ReadStatus(
        SafeFileHandle handle, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, [Out] byte[] status);
}

/// <summary>A pipe, a socket, a device or a folder where a file was expected.</summary>
internal sealed class IrregularFileException(string path) : IOException($"{path} is no regular file but a pipe, a socket, a device or a folder.");
