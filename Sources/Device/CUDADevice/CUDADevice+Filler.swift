import DeviceAPI

extension CUDADevice {
    /// PTX, which the driver compiles for the GPU at hand: threads of a block write words in turns.
    package var sharedMemoryFiller: (program: [UInt8], kernel: String)? {
        let text = """
            .version 6.3
            .target sm_70
            .address_size 64
            .extern .shared .align 16 .b8 words[];
            .visible .entry hearth_fill(.param .u64 word, .param .u64 status)
            {
                .reg .pred %done;
                .reg .b64 %wide;
                .reg .b32 %word, %place, %end, %step, %address;
                ld.param.u64 %wide, [word];
                cvt.u32.u64 %word, %wide;
                mov.u32 %place, %tid.x;
                shl.b32 %place, %place, 2;
                mov.u32 %step, %ntid.x;
                shl.b32 %step, %step, 2;
                mov.u32 %end, %dynamic_smem_size;
            next:
                setp.ge.u32 %done, %place, %end;
                @%done bra last;
                mov.u32 %address, words;
                add.u32 %address, %address, %place;
                st.shared.b32 [%address], %word;
                add.u32 %place, %place, %step;
                bra next;
            last:
                ret;
            }

            """
        return (Array(text.utf8) + [0], "hearth_fill")
    }
}
